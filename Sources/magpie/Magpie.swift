// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

@main
struct Magpie: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "magpie", abstract: "A self-hosted media storage server.",
        discussion: "Settings come from flags, MAGPIE_* variables and a configuration file, in this order.",
        version: Magpie.version,
        subcommands: [
            ServeCommand.self, WorkCommand.self, KeysCommand.self, KeyCommand.self, ProjectCommand.self, AccountCommand.self,
            JobsCommand.self, BackendCommand.self, ImportCommand.self,
            MigrateCommand.self, VerifyCommand.self, VersionCommand.self, SettingsCommand.self,
        ])

    /// What `GET /version` and `--version` say.
    static let version = "0.1.0"

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error where Failure.isOurs(error) {
            // One line that says what to do; a trace helps nobody who runs a server.
            StandardError.write("magpie: \(Failure.line(error))\n")
            exit(withError: ExitCode.failure)
        } catch {
            exit(withError: error)
        }
    }
}
