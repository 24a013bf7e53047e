// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import Logging
public import MediaCore
import PostgresMetadata

/// Makes, shows, changes and deletes projects.
struct ProjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project", abstract: "Makes, lists, changes and deletes projects and their keys.",
        discussion: """
            A project is a bucket with a plan and keys of its own, which open it and nothing besides. Works while the server runs.
            """,
        subcommands: [
            Create.self, List.self, Show.self, SetPlan.self, Delete.self, ProjectKeyCommand.self,
        ])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a project and prints its keys. The secrets are shown this once.",
            discussion: """
                A bucket of this name becomes the project's, and stays as public or private as it is. The API key is the client \
                secret, for clients that send a single one.
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: "Lower-case letters, digits and hyphens, at most 63; a segment of the project's URLs.")
        var name: String

        @Option(help: "\(Plan.Name.allCases.map(\.rawValue).joined(separator: ", ")).")
        var plan = Plan.Name.unlimited

        @Option(help: "An e-mail address. Plans limit how many projects an owner may have.")
        var owner: String?

        @Flag(name: .customLong("private"), help: "Only callers with a right read it. Otherwise whoever knows a name may.")
        var isPrivate = false

        @Flag(help: "As one JSON object.")
        var json = false

        func run() async throws {
            let beginning = Projects.Beginning(name: name, plan: plan, owner: owner, isPublic: !isPrivate)
            let (secrets, madeBucket) = try await common.withProjects { try await $0.create(beginning) }
            Table.show(
                [
                    ("project", name), ("clientId", secrets.clientID), ("clientSecret", secrets.clientSecret),
                    ("apiKey", secrets.clientSecret), ("publishableKey", secrets.publishableKey),
                    ("secretKey", secrets.secretKey),
                ], json: json)
            if !madeBucket {
                StandardError.write("magpie: the bucket \(name) was there already: it stays as public or private as it is\n")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the projects.")

        @OptionGroup var common: CommonOptions

        @Flag(help: "As one JSON array.")
        var json = false

        func run() async throws {
            let projects = try await common.withProjects { try await $0.list() }
            guard !json else {
                var writer = JSONWriter()
                writer.array(projects) { writer, project in writer.object { $0.fields(of: project) } }
                return print(writer.text)
            }
            for project in projects {
                print("\(project.id)  \(project.plan.name.rawValue)  \(project.createdAt.iso8601)  \(project.owner ?? "")")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a project, what it holds, and its keys.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The project.")
        var name: String

        @Flag(help: "As one JSON object.")
        var json = false

        func run() async throws {
            let (project, totals, keys) = try await common.withProjects { try await $0.describe(name) }
            guard !json else {
                let text = JSONWriter.object { writer in
                    writer.fields(of: project)
                    writer.field("objects", totals.objects)
                    writer.field("storageBytes", totals.bytes)
                    writer.key("keys")
                    writer.array(keys) { writer, key in writer.object { $0.fields(of: key) } }
                }
                return print(text)
            }
            let quota = project.plan.storageBytes.map { " of \($0)" } ?? ""
            print("\(project.id)  \(project.plan.name.rawValue)  \(project.createdAt.iso8601)  \(project.owner ?? "")")
            print("\(totals.objects) objects, \(totals.bytes)\(quota) bytes")
            for key in keys { print(key.line) }
        }
    }

    struct SetPlan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set-plan", abstract: "Gives a project another plan, at once.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The project.")
        var name: String

        @Argument(help: "\(Plan.Name.allCases.map(\.rawValue).joined(separator: ", ")).")
        var plan: Plan.Name

        func run() async throws {
            try await common.withProjects { try await $0.setPlan(plan, of: name) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deletes a project and its bucket, which must be empty. Its keys open nothing from then on.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The project.")
        var name: String

        func run() async throws {
            try await common.withProjects { try await $0.delete(name) }
        }
    }
}

extension Plan.Name: ExpressibleByArgument {}

extension CommonOptions {
    func withProjects<Value: Sendable>(_ body: (Projects) async throws -> Value) async throws -> Value {
        let configuration = try await configuration()
        let secrets = try await Secrets.load(configuration)
        return try await OpenDatabase.with(configuration, secrets, logger: .forCommand()) { database in
            try await database.metadata.migrator.migrate()
            return try await body(Projects(metadata: database.metadata))
        }
    }
}

extension JSONWriter {
    fileprivate mutating func fields(of project: Project) {
        field("project", project.id.rawValue)
        field("plan", project.plan.name.rawValue)
        field("owner", project.owner)
        field("createdAt", project.createdAt)
    }

    mutating func fields(of key: ProjectKey) {
        field("id", key.id.rawValue)
        field("kind", key.kind.rawValue)
        field("clientId", key.clientID)
        field("description", key.description)
        if let scopes = key.scopes {
            self.key("scopes")
            array(scopes) { $0.string($1.rawValue) }
        }
        field("createdAt", key.createdAt)
        if let expiresAt = key.expiresAt { field("expiresAt", expiresAt) }
        field("revokedAt", key.revokedAt)
    }
}

extension ProjectKey {
    /// For a list in a terminal.
    var line: String {
        let end = expiresAt.map { $0 <= Timestamp.now() ? "expired \($0.iso8601)" : "active until \($0.iso8601)" }
        let state = revokedAt.map { "revoked \($0.iso8601)" } ?? end ?? "active"
        let scopes = scopes.map { $0.map(\.rawValue).joined(separator: ",") } ?? "-"
        return "\(id)  \(kind.rawValue)  \(clientID ?? "-")  \(scopes)  \(createdAt.iso8601)  \(state)  \(description)"
    }
}
