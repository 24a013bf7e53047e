// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import MediaCore

/// Makes, lists and revokes the keys of a project.
struct ProjectKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Makes, lists and revokes the keys of a project.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a key and prints it. The secret is shown this once.")

        @OptionGroup var common: CommonOptions

        @Option(help: "The project.")
        var project: String

        @Option(help: "\(ProjectKey.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
        var kind = ProjectKey.Kind.pair

        @Option(help: "What the key is for.")
        var description = ""

        @Option(
            help:
                "What a publishable or a secret key may do with files, such as files:read; several times for several. All of it.")
        var scope: [String] = []

        @Option(help: "How long it is good for, such as 90d. For ever.")
        var expires: String?

        @Flag(help: "As one JSON object.")
        var json = false

        func run() async throws {
            let limits = Projects.KeyLimits(scopes: try scopes(), expiresAt: try end())
            let (key, secret) = try await common.withProjects {
                try await $0.createKey(kind, of: project, description: description, limits: limits)
            }
            Table.show([("id", key.id.rawValue)] + Self.rows(key, secret), json: json)
        }

        private func scopes() throws -> [KeyScope]? {
            guard !scope.isEmpty else { return nil }
            return try scope.map { text in
                guard let scope = KeyScope(text) else {
                    let words = KeyScope.FileOperation.allCases.map { "files:\($0.rawValue)" }.joined(separator: ", ")
                    throw ConfigurationError("\(text) is no scope: \(words), files:* or *:*")
                }
                return scope
            }
        }

        private func end() throws -> Timestamp? {
            guard let expires else { return nil }
            guard let time = Quantity.milliseconds(expires), time >= 1000 else {
                throw ConfigurationError("--expires must be a time such as 90d or 12h, not \(expires)")
            }
            return Timestamp.now().adding(seconds: time / 1000)
        }

        private static func rows(_ key: ProjectKey, _ secret: String) -> [(String, String)] {
            switch key.kind {
            case .pair: [("clientId", key.clientID ?? ""), ("clientSecret", secret), ("apiKey", secret)]
            case .single: [("apiKey", secret)]
            case .publishable: [("publishableKey", secret)]
            case .secret: [("secretKey", secret)]
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the keys of a project, the newest first.")

        @OptionGroup var common: CommonOptions

        @Option(help: "The project.")
        var project: String

        @Flag(help: "As one JSON array.")
        var json = false

        func run() async throws {
            let keys = try await common.withProjects { try await $0.describe(project) }.keys
            guard !json else {
                var writer = JSONWriter()
                writer.array(keys) { writer, key in writer.object { $0.fields(of: key) } }
                return print(writer.text)
            }
            for key in keys { print(key.line) }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes a key out of use, on running servers too.")

        @OptionGroup var common: CommonOptions

        @Option(help: "The project.")
        var project: String

        @Argument(help: "The id of the key, or its client id.")
        var key: String

        func run() async throws {
            guard try await common.withProjects({ try await $0.revokeKey(key, of: project) }) else {
                throw ConfigurationError("the project \(project) has no active key \(key)")
            }
        }
    }
}

extension ProjectKey.Kind: ExpressibleByArgument {}
