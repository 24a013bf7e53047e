// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import NIOCore
import Testing

/// Several requests on one upload, and requests that died.
struct TakeoverTests {
    @Test func aNewRequestTakesTheUploadFromOneThatHangs() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(3000)
        let id = try await fixture.begin(3000)
        let hanging = HangingBody(slice(bytes, 0, 1000))
        let dead = Task {
            try await fixture.uploads.append(
                UploadAppend(body: hanging.stream, offset: 0), to: id, access: UploadFixture.service)
        }
        await hanging.isWaiting()

        #expect(try await fixture.uploads.settledSession(id).offset == 1000)

        #expect(await errorCode { _ = try await dead.value } == .uploadTaken)
        try await fixture.append(slice(bytes, 1000, 2000), to: id, at: 1000)
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func manyNewcomersAllGetTheirTurn() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(3000)
        let hanging = HangingBody(SampleData.bytes(10))
        let dead = Task {
            try await fixture.uploads.append(
                UploadAppend(body: hanging.stream, offset: 0), to: id, access: UploadFixture.service)
        }
        await hanging.isWaiting()

        let offsets = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<20 { group.addTask { try await fixture.uploads.settledSession(id).offset } }
            return try await group.reduce(into: [Int64]()) { $0.append($1) }
        }

        #expect(offsets == Array(repeating: 10, count: 20))
        #expect(await errorCode { _ = try await dead.value } == .uploadTaken)
    }

    @Test func whoDoesNotStopInTimeKeepsTheUpload() async throws {
        let fixture = try await UploadFixture(patience: .milliseconds(20))
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let (entries, entered) = AsyncStream.makeStream(of: Void.self)
        let slow = FaultyBlobStore(fixture.memory) { call in
            guard call == .appendPart else { return }
            entered.yield()
            for await _ in gate { return }
        }
        let storage = try await stalled(fixture, slow)
        let id = try await fixture.begin(10)
        let sending = Task {
            try await storage.uploads.append(
                UploadAppend(body: ByteStream(SampleData.bytes(10)), offset: 0), to: id, access: UploadFixture.service)
        }
        for await _ in entries { break }

        #expect(await errorCode { _ = try await storage.uploads.settledSession(id) } == .locked)

        open.yield()
        #expect(await errorCode { _ = try await sending.value } == .uploadTaken)
        #expect(try await fixture.offset(id) == 10)
    }

    @Test func aWaiterThatIsCancelledLeavesTheLine() async throws {
        let fixture = try await UploadFixture(patience: .seconds(60))
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let (entries, entered) = AsyncStream.makeStream(of: Void.self)
        let slow = FaultyBlobStore(fixture.memory) { call in
            guard call == .appendPart else { return }
            entered.yield()
            for await _ in gate { return }
        }
        let storage = try await stalled(fixture, slow)
        let id = try await fixture.begin(10)
        let sending = Task {
            try await storage.uploads.append(
                UploadAppend(body: ByteStream(SampleData.bytes(10)), offset: 0), to: id, access: UploadFixture.service)
        }
        for await _ in entries { break }
        let waiting = Task { try await storage.uploads.settledSession(id) }

        waiting.cancel()

        await #expect(throws: CancellationError.self) { try await waiting.value }
        open.yield()
        _ = await sending.result
        #expect(try await storage.uploads.settledSession(id).offset == 10)
    }

    @Test func aServerThatWasSupersededAcknowledgesNothing() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(1000)
        let id = try await fixture.begin(1000)
        // What another server would do between the bytes and their acknowledgement.
        fixture.blobs.fail(.appendPart, times: 1, at: .after)
        #expect(await errorCode { try await fixture.append(SampleData.bytes(1000, seed: 5), to: id, at: 0) } != nil)
        fixture.blobs.heal()
        let before = try await fixture.uploads.session(id)
        #expect(before.offset == 0)

        try await fixture.append(bytes, to: id, at: 0)

        #expect(try await fixture.metadata.upload(id).writer == before.writer + 1)
        #expect(try await fixture.read().bytes == bytes)
    }

    /// Another server on the same stores, with a blob store of its own.
    private func stalled(_ fixture: UploadFixture, _ store: FaultyBlobStore) async throws -> Storage {
        let clock = fixture.clock
        let storage = Storage(
            configuration: Storage.Configuration(
                uploadLimits: UploadLimits(maxObjectBytes: 1 << 20),
                uploads: fixture.uploadConfiguration),
            keys: try await KeyRing(secret: CoreFixture.secret), metadata: fixture.metadata, blobs: OneStore(store: store),
            logger: .init(label: "test"), now: { clock.now() })
        storage.cache.apply(.tracking)
        return storage
    }
}
