// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MediaCore

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the URL and the keys that clients need.",
        discussion: "Works before the first start, which then uses these keys, and while the server runs.")

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var common: CommonOptions

    func run() async throws {
        do {
            let configuration = try await common.load()
            let fields = try await ServerKeys.load(configuration).fields(url: configuration.url())
            print(json ? Self.json(fields) : Self.text(fields))
        } catch {
            throw CommandFailure(error)
        }
    }

    static func json(_ fields: [(name: String, value: String)]) -> String {
        JSONWriter.object { writer in
            for (name, value) in fields { writer.field(name, value) }
        }
    }

    static func text(_ fields: [(name: String, value: String)]) -> String {
        let width = fields.map(\.name.count).max() ?? 0
        return fields.map { name, value in
            name + String(repeating: " ", count: width - name.count + 2) + value
        }.joined(separator: "\n")
    }
}
