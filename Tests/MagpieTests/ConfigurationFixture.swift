// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import magpie

/// Parses a configuration as the commands do, from an environment that a test makes up.
func configuration(
    _ environment: [String: String] = [:], flags: [String: String] = [:]
) async throws -> ServerConfiguration {
    try await ServerConfiguration(Settings(flags: flags, environment: environment))
}

/// A directory that goes when the test is done with it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("left behind: \(path): \(error)") }
    }

    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: path + "/" + name, atomically: false, encoding: .utf8)
        return path + "/" + name
    }
}
