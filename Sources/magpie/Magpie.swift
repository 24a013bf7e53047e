// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct Magpie: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "magpie", abstract: "A self-hosted media storage server.",
        discussion: """
            Settings come from the command line, the environment (MAGPIE_…) and a JSON file with the same names, in this order.
            Secrets that are not given are made once and kept in the data directory.
            """,
        version: Version.current,
        subcommands: [Serve.self, Keys.self, Migrate.self, Verify.self, PrintVersion.self, PrintSettings.self])
}
