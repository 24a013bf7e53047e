// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import MediaCore
import PostgresMetadata

/// Makes, lists and revokes key pairs of the S3 dialect.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Makes, lists and revokes access keys of the S3 dialect.",
        discussion: "A key acts as whom its claims say, so that row-level security applies. Works while the server runs.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a key pair and prints it. The secret is shown this once.")

        @OptionGroup var common: CommonOptions

        @Option(help: "A JSON object of claims, such as {\"role\":\"authenticated\",\"sub\":\"…\"}.")
        var claims: String?

        @Option(help: "Instead of claims: the project that the key opens, and nothing besides.")
        var project: String?

        @Option(help: "What the key is for.")
        var description = ""

        func validate() throws {
            guard (claims == nil) != (project == nil) else {
                throw ValidationError("Either --claims or --project says what the key is for.")
            }
        }

        func run() async throws {
            let made = try await common.withAccessKeys { keys in
                if let project {
                    try await keys.create(for: try BucketID(existing: project), description: description)
                } else {
                    try await keys.create(claims: JSONText(trusted: claims ?? ""), description: description)
                }
            }
            print("s3AccessKey     \(made.id)")
            print("s3SecretKey     \(made.secret)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the keys that were made, the newest first.")

        @OptionGroup var common: CommonOptions

        func run() async throws {
            for key in try await common.withAccessKeys({ try await $0.list() }) {
                let state = key.revokedAt.map { "revoked \($0.iso8601)" } ?? "active"
                print("\(key.id)  \(key.createdAt.iso8601)  \(state)  \(key.claims)  \(key.description)")
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes a key out of use, on running servers too.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The access key.")
        var accessKey: String

        func run() async throws {
            guard try await common.withAccessKeys({ try await $0.revoke(AccessKeyID(accessKey)) }) else {
                throw ConfigurationError("there is no active access key \(accessKey)")
            }
        }
    }
}

extension CommonOptions {
    fileprivate func withAccessKeys<Value: Sendable>(_ body: (AccessKeys) async throws -> Value) async throws -> Value {
        let configuration = try await configuration()
        let secrets = try await Secrets.load(configuration)
        return try await OpenDatabase.with(configuration, secrets, logger: .forCommand()) { database in
            try await database.metadata.migrator.migrate()
            let keys = AccessKeys(
                secrets.accessKeys(configuration, service: database.metadata.service), store: database.metadata)
            return try await body(keys)
        }
    }
}
