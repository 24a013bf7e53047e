// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "Prints every setting as a row of a Markdown table.", shouldDisplay: false)

    func run() throws {
        print("| variable | default | meaning |")
        print("|---|---|---|")
        for setting in Setting.all {
            print("| `\(setting.variable)` | \(setting.fallback.isEmpty ? "" : "`\(setting.fallback)`") | \(setting.meaning) |")
        }
    }
}
