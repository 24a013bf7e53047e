// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import Testing

@testable import magpie

@Suite struct WriteProbeTests {
    @Test func leavesNothingBehind() async throws {
        let directory = try TemporaryDirectory()
        try await WriteProbe.run(in: directory.path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    // The kernel refuses this one to everybody, root included.
    @Test(arguments: ["/proc/self", "/nowhere/at/all"])
    func saysWhenNothingCanBeWritten(path: String) async throws {
        let error = await #expect(throws: StorageError.self) { try await WriteProbe.run(in: path) }
        #expect(error?.code == .backendUnavailable)
    }
}
