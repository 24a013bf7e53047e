// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct PrintSettings: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "Print every setting as a Markdown table.", shouldDisplay: false)

    func run() { print(Setting.markdown) }
}
