// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct ScratchTests {
    private func withPlace(_ body: (String) async throws -> Void) async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-\(UUID().uuidString)").path
        try await body(place)
        try FileManager.default.removeItem(atPath: place)
    }

    @Test func whatDeadProcessesLeftIsRemovedAndWhatLivesStays() async throws {
        try await withPlace { place in
            let living = try Scratch.open(at: place)
            let (name, _) = try living.makeDirectory()
            // As a killed process leaves it: nobody has the lock.
            try FileManager.default.createDirectory(atPath: place + "/dead/1/run", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: place + "/dead/1/file"))
            let second = try Scratch.open(at: place)
            #expect(!FileManager.default.fileExists(atPath: place + "/dead"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: place).count == 2)
            try living.removeDirectory(name)
            try living.remove()
            try second.remove()
            #expect(try FileManager.default.contentsOfDirectory(atPath: place) == [])
        }
    }

    @Test func aWorkspaceIsGoneHoweverItsWorkEnds() async throws {
        struct Stop: Error {}
        // `Converting` looks for what is left.
        await #expect(throws: Stop.self) {
            try await Converting.with(ByteBuffer(string: "x")) { _, _ in throw Stop() }
        }
        let task = Task {
            try await Converting.with(ByteBuffer(string: "x")) { _, _ in
                withUnsafeCurrentTask { $0?.cancel() }
                try Task.checkCancellation()
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func filesComeBackAsTheyWereReceived() async throws {
        var bytes = ByteBuffer()
        for index in 0..<300_000 { bytes.writeInteger(UInt32(truncatingIfNeeded: index &* 2_654_435_761)) }
        try await Converting.with(bytes) { workspace, file in
            #expect(file.size == 1_200_000)
            #expect(try await workspace.bytes(of: file) == bytes)
            #expect(try await workspace.head(of: file, count: 10) == bytes.getSlice(at: 0, length: 10))
            #expect(try await workspace.head(of: file, count: 9_999_999).readableBytes == 1_200_000)
            try await workspace.discard(file)
            await #expect(throws: StorageError.self) { try await workspace.contents(of: file) }
        }
    }

    @Test func whatIsLargerThanAllowedIsNotReceived() async throws {
        try await Converting.with { converter in
            try await converter.withWorkspace(for: ConversionOrder()) { workspace in
                let body = ByteBuffer(repeating: 1, count: 1000)
                let silent = ByteStream(length: nil, chunks: ByteStream(body).chunks)
                let short = ByteStream(length: 1001, chunks: ByteStream(body).chunks)
                #expect(try await code { try await workspace.receive(ByteStream(body), limit: 999) } == .tooLarge)
                #expect(try await code { try await workspace.receive(silent, limit: 999) } == .tooLarge)
                #expect(try await code { try await workspace.receive(short, limit: 2000) } == .lengthMismatch)
                let file = try await workspace.receive(ByteStream(body), limit: 1000)
                #expect(file.size == 1000)
            }
        }
    }

    @Test func placesAreGivenInTurnAndBackWhenSomebodyLeavesTheQueue() async throws {
        let places = WorkPlaces(count: 1)
        try await places.withPlace {
            let waiting = Task { try await places.withPlace {} }
            while places.waitingCount == 0 { await Task.yield() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            #expect(places.waitingCount == 0)
        }
        try await places.withPlace {}
    }
}
