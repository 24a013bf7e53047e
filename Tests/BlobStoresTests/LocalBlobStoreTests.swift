// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import MediaCore
import MediaTesting
import NIOCore
import Testing

/// What is particular to the local disk.
struct LocalBlobStoreTests {
    private func withDirectory(_ body: (URL) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("magpie-local-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory)
    }

    @Test func aMissingStoreIsNotMadeUnasked() async throws {
        try await withDirectory { directory in
            await #expect(throws: StorageError.self) { try await BackendUnderTest.open(directory, create: false) }

            #expect(!FileManager.default.fileExists(atPath: directory.path + "/store.json"))
        }
    }

    @Test func aStoreIsFoundAgainWithItsBlobs() async throws {
        try await withDirectory { directory in
            let first = try await BackendUnderTest.open(directory)
            let (key, bytes) = (freshKey(), SampleData.bytes(3000))
            _ = try await first.put(ByteStream(bytes), at: key)
            try await first.close()

            let second = try await BackendUnderTest.open(directory, create: false)

            #expect(second.id == first.id)
            #expect(try await second.get(key, range: nil).stream().collected() == bytes)
            try await second.close()
        }
    }

    @Test func blobsWithoutTheirMarkerAreNotTakenForANewStore() async throws {
        try await withDirectory { directory in
            let store = try await BackendUnderTest.open(directory)
            _ = try await store.put(ByteStream(SampleData.bytes(1)), at: freshKey())
            try await store.close()
            try FileManager.default.removeItem(atPath: directory.path + "/store.json")

            #expect(await errorCode { _ = try await BackendUnderTest.open(directory) } == .notConfigured)
        }
    }

    @Test func noKeyEscapesTheStore() async throws {
        try await withDirectory { directory in
            let store = try await BackendUnderTest.open(directory)
            let hostile = [
                "../x", "/etc/x", "a/../../x", "a//b", "", ".", "..", "a\0b", String(repeating: "x", count: 5000), "ü", "a b",
            ]

            for key in hostile {
                await #expect(throws: StorageError.self) {
                    try await store.put(ByteStream(SampleData.bytes(1)), at: BlobKey(key))
                }
            }

            #expect(contentFiles(in: directory).isEmpty)
            try await store.close()
        }
    }

    @Test func aCancelledWriteLeavesNothing() async throws {
        try await withDirectory { directory in
            let store = try await BackendUnderTest.open(directory)
            let key = freshKey()
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            let body = AsyncThrowingStream<ByteBuffer, any Error>(unfolding: {
                start.yield()
                try await Task.sleep(for: .seconds(60))
                return nil
            })
            let write = Task { try await store.put(ByteStream(length: nil, chunks: body), at: key) }
            for await _ in started { break }

            write.cancel()

            await #expect(throws: (any Error).self) { try await write.value }
            #expect(contentFiles(in: directory).isEmpty)
            try await store.close()
        }
    }

    @Test func noAgeMakesPartsFairGame() async throws {
        try await withDirectory { directory in
            let store = try await BackendUnderTest.open(directory)
            let key = freshKey()
            let id = try await store.beginMultipart(at: key)
            _ = try await store.putPart(ByteStream(SampleData.bytes(10)), as: PartNumber(1), of: id, at: key)

            #expect(try await store.sweepUnfinished(before: Timestamp.now().adding(seconds: 3600)) == 0)
            #expect(contentFiles(in: directory) == ["1"])

            try await store.abortMultipart(id, at: key)
            #expect(contentFiles(in: directory).isEmpty)
            try await store.close()
        }
    }
}
