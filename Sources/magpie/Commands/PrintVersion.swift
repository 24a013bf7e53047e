// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct PrintVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() { print("magpie \(Version.current)") }
}
