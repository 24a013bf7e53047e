// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import MediaCore
import PostgresMetadata

/// Makes, lists and changes accounts, and what they are in projects.
struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Makes, lists and changes the accounts of people who sign in.",
        discussion: """
            Passwords are asked for, or read from standard input; they are never arguments, which others on the machine see. Works \
            while the server runs.
            """,
        subcommands: [Create.self, List.self, Disable.self, SetPassword.self, Grant.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an account and prints its id. The first of all runs the server.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The e-mail address.")
        var email: String

        @Option(help: "As the person is to be called.")
        var name = ""

        @Flag(help: "Runs the server: an owner of every project.")
        var `operator` = false

        @Flag(help: "As one JSON object.")
        var json = false

        func run() async throws {
            let password = try PasswordPrompt.read(twice: true)
            let account = try await common.withAccounts {
                try await $0.create(email: email, password: password, name: name, isOperator: `operator`)
            }
            Table.show([("id", account.id.rawValue), ("email", account.email.rawValue)], json: json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the accounts.")

        @OptionGroup var common: CommonOptions

        @Flag(help: "As one JSON array.")
        var json = false

        func run() async throws {
            let accounts = try await common.withAccounts { try await $0.list() }
            guard !json else {
                var writer = JSONWriter()
                writer.array(accounts) { writer, account in writer.object { $0.fields(of: account) } }
                return print(writer.text)
            }
            for account in accounts {
                let state = account.disabledAt.map { "disabled \($0.iso8601)" } ?? "active"
                let kind = account.isOperator ? "operator" : account.isAppUser ? "app user" : "account"
                print("\(account.email)  \(account.id)  \(kind)  \(account.createdAt.iso8601)  \(state)  \(account.name)")
            }
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes an account out of use, which ends its sessions, or into use again.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The e-mail address.")
        var email: String

        @Flag(help: "Into use again.")
        var undo = false

        func run() async throws {
            try await common.withAccounts { try await $0.setDisabled(!undo, of: email) }
        }
    }

    struct SetPassword: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "password", abstract: "Gives an account another password, which ends its sessions.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The e-mail address.")
        var email: String

        func run() async throws {
            let password = try PasswordPrompt.read(twice: true)
            try await common.withAccounts { try await $0.setPassword(password, of: email) }
        }
    }

    struct Grant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes an account something in a project, or nothing.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The e-mail address.")
        var email: String

        @Argument(help: "The project.")
        var project: String

        @Argument(help: "\(ProjectRole.allCases.map(\.rawValue).joined(separator: ", ")), or none.")
        var role: String

        func run() async throws {
            let role = ProjectRole(word: role)
            guard role != nil || self.role.lowercased() == "none" else {
                throw ValidationError("The role must be \(ProjectRole.allCases.map(\.rawValue).joined(separator: ", ")) or none.")
            }
            try await common.withAccounts { try await $0.grant(role, to: email, in: project) }
        }
    }
}

extension CommonOptions {
    fileprivate func withAccounts<Value: Sendable>(_ body: (Accounts) async throws -> Value) async throws -> Value {
        let configuration = try await configuration()
        let secrets = try await Secrets.load(configuration)
        return try await OpenDatabase.with(configuration, secrets, logger: .forCommand()) { database in
            try await database.metadata.migrator.migrate()
            return try await body(
                Accounts(metadata: database.metadata, cost: configuration.accounts.configuration.cost))
        }
    }
}

extension JSONWriter {
    fileprivate mutating func fields(of account: Account) {
        field("id", account.id.rawValue)
        field("email", account.email.rawValue)
        field("name", account.name)
        field("operator", account.isOperator)
        field("appUser", account.isAppUser)
        field("createdAt", account.createdAt)
        field("disabledAt", account.disabledAt)
    }
}
