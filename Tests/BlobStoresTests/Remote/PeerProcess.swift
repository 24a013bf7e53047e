// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// A service that the tests run against, as a process of its own that ends with this one.
struct PeerProcess: Sendable {
    let url: String
    /// Where it keeps its files, and what a test has to know of it.
    let directory: URL
    /// Ends the process when it is closed, at the latest with this process.
    private let input: Pipe

    struct NotStarted: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter script: of `Tests/Support`.
    /// - Throws: `NotStarted`: a test whose service is not there fails, and is not left out.
    static func start(_ script: String, _ name: String) async throws -> PeerProcess {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-peer-\(UUID().uuidString)")
        process.executableURL = tests.appendingPathComponent("Support").appendingPathComponent(script)
        process.arguments = [name, directory.path]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line: String = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: String(decoding: output.fileHandleForReading.availableData, as: UTF8.self))
            }
        }
        let url = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard url.hasPrefix("http") else {
            throw NotStarted(description: "\(name) did not start; its programs are installed by: scripts/bootstrap tests")
        }
        return PeerProcess(url: url, directory: directory, input: input)
    }
}
