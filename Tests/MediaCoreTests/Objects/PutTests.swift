// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Synchronization
import Testing

struct PutTests {
    @Test func whatWasStoredIsRead() async throws {
        let core = try await CoreFixture()

        let record = try await core.put("hello", at: "a.txt", options: CoreFixture.options(metadata: #"{"x":1}"#))

        #expect(try await core.read("a.txt") == "hello")
        let details = ObjectMetadata(parsing: record.metadata)
        #expect(details.eTag == "\"5d41402abc4b2a76b9719d911017c592\"")
        #expect(details.size == 5)
        #expect(details.mimetype == "text/plain")
        #expect(details.cacheControl == "max-age=60")
        #expect(record.userMetadata?.rawValue.filter { $0 != " " } == #"{"x":1}"#)
    }

    @Test func anExistingObjectIsNotOverwrittenUnasked() async throws {
        let core = try await CoreFixture()
        try await core.put("first", at: "a")

        #expect(await errorCode { try await core.put("second", at: "a") } == .objectExists)

        #expect(try await core.read("a") == "first")
        #expect(try await core.blobCount() == 1)
    }

    @Test func replacingAnObjectRemovesTheOldBytesAfterwards() async throws {
        let core = try await CoreFixture()
        let first = try await core.put("first", at: "a")

        let second = try await core.put("second", at: "a", options: CoreFixture.options(.replace))
        try await core.upkeep.removeDeletedBlobs()

        #expect(second.id == first.id)
        #expect(second.version != first.version)
        #expect(try await core.read("a") == "second")
        #expect(try await core.blobCount() == 1)
    }

    @Test func replacingAnObjectKeepsTheOldVersionReadableUntilCommit() async throws {
        let core = try await CoreFixture()
        try await core.put("first", at: "a")
        let during = Reading(core: core)

        _ = try await core.storage.objects.put(
            Upload(body: during.stream("second"), options: CoreFixture.options(.replace)), at: core.address("a"),
            access: .policy(CoreFixture.service))

        #expect(await during.seen == ["first"])
        #expect(try await core.read("a") == "second")
    }

    @Test func aBodyThatFailsLeavesNothing() async throws {
        let core = try await CoreFixture()
        let body = SampleData.stream(
            SampleData.bytes(300_000 + 1), chunkBytes: 65_536, failingAfter: 300_000,
            with: StorageError(.clientDisconnected, "gone"))

        let code = await errorCode {
            _ = try await core.storage.objects.put(
                Upload(body: body, options: CoreFixture.options()), at: core.address("a"), access: .policy(CoreFixture.service))
        }

        #expect(code == .clientDisconnected)
        #expect(try await core.blobCount() == 0)
        #expect(await errorCode { _ = try await core.read("a") } == .objectNotFound)
    }

    @Test func aStoreThatFailsLeavesNoRow() async throws {
        let core = try await CoreFixture(wrapping: { FaultyBlobStore($0, failing: .put) })

        #expect(await errorCode { try await core.put("x", at: "a") } == .backendUnavailable)

        #expect(await errorCode { _ = try await core.read("a") } == .objectNotFound)
    }

    @Test func theBucketsLimitHoldsForABodyOfUnknownLength() async throws {
        let core = try await CoreFixture(bucket: { $0.fileSizeLimit = 10 })
        let body = ByteStream(length: nil, chunks: ByteStream(ByteBuffer(repeating: 1, count: 11)).chunks)

        let code = await errorCode {
            _ = try await core.storage.objects.put(
                Upload(body: body, options: CoreFixture.options()), at: core.address("a"), access: .policy(CoreFixture.service))
        }

        #expect(code == .tooLarge)
        #expect(try await core.blobCount() == 0)
    }

    @Test func anAnnouncedLengthAboveTheLimitIsRefusedBeforeAByteIsRead() async throws {
        let core = try await CoreFixture(bucket: { $0.fileSizeLimit = 10 })
        let body = SampleData.stream(
            SampleData.bytes(0 + 1), chunkBytes: 65_536, failingAfter: 0, with: StorageError(.internal, "was read"))
        var options = CoreFixture.options()
        options.announcedLength = 11
        options.announcesObjectSize = true

        let upload = Upload(body: body, options: options)
        let code = await errorCode {
            _ = try await core.storage.objects.put(upload, at: core.address("a"), access: .policy(CoreFixture.service))
        }

        #expect(code == .tooLarge)
    }

    @Test func theServersLimitHoldsWhereTheBucketHasNone() async throws {
        let core = try await CoreFixture(limits: UploadLimits(maxObjectBytes: 3))

        #expect(await errorCode { try await core.put("four", at: "a") } == .tooLarge)
    }

    @Test func aFolderPlaceholderIsEmptyAndOfAnyType() async throws {
        let core = try await CoreFixture(bucket: { $0.allowedMimeTypes = ["image/*"] })

        try await core.put("", at: "f/.emptyFolderPlaceholder")

        #expect(await errorCode { try await core.put("x", at: "g/.emptyFolderPlaceholder") } == .tooLarge)
    }

    @Test(arguments: [
        ("image/*", "image/png", true), ("image/*", "text/plain", false), ("text/plain", "text/plain;charset=UTF-8", true),
        ("text/plain;charset=utf-8", "text/plain", false), ("*/*", "video/mp4", true), ("image/png", "IMAGE/PNG", true),
        ("image/*", "imagex/png", false),
    ])
    func mediaTypesAreCompared(allowed: String, sent: String, isAllowed: Bool) async throws {
        let core = try await CoreFixture(bucket: { $0.allowedMimeTypes = [allowed] })

        let code = await errorCode { try await core.put("x", at: "a", options: CoreFixture.options(type: sent)) }

        #expect(code == (isAllowed ? nil : .mediaTypeNotAllowed))
    }

    @Test func lateOptionsReplaceTheEarlyOnes() async throws {
        let core = try await CoreFixture()
        let upload = Upload(
            body: ByteStream(ByteBuffer(string: "x")), options: CoreFixture.options(),
            lateOptions: { CoreFixture.options(type: "image/png", metadata: #"{"late":true}"#) })

        let record = try await core.storage.objects.put(upload, at: core.address("a"), access: .policy(CoreFixture.service))

        #expect(ObjectMetadata(parsing: record.metadata).mimetype == "image/png")
        #expect(record.userMetadata?.rawValue.contains("late") == true)
    }

    @Test func lateOptionsAreCheckedAgain() async throws {
        let core = try await CoreFixture(bucket: { $0.allowedMimeTypes = ["text/plain"] })
        let upload = Upload(
            body: ByteStream(ByteBuffer(string: "x")), options: CoreFixture.options(),
            lateOptions: { CoreFixture.options(type: "image/png") })

        let code = await errorCode {
            _ = try await core.storage.objects.put(upload, at: core.address("a"), access: .policy(CoreFixture.service))
        }

        #expect(code == .mediaTypeNotAllowed)
        #expect(try await core.blobCount() == 0)
    }

    @Test func aFormThatIsRefusedAfterItsFileLeavesNothing() async throws {
        struct Refused: Error {}
        let core = try await CoreFixture()
        let upload = Upload(
            body: ByteStream(ByteBuffer(string: "x")), options: CoreFixture.options(), lateOptions: { throw Refused() })

        await #expect(throws: Refused.self) {
            _ = try await core.storage.objects.put(upload, at: core.address("a"), access: .policy(CoreFixture.service))
        }

        #expect(try await core.blobCount() == 0)
    }

    @Test func anUploadThatIsCancelledBeforeItsRowIsNotStored() async throws {
        let core = try await CoreFixture(
            wrapping: { FaultyBlobStore($0, afterPut: { withUnsafeCurrentTask { $0?.cancel() } }) })

        // In a task of its own, which is the one that gets cancelled.
        let result = await Task { try await core.put("half of it", at: "a") }.result

        #expect(throws: CancellationError.self) { try result.get() }
        #expect(try await core.blobCount() == 0)
        #expect(await errorCode { _ = try await core.read("a") } == .objectNotFound)
    }

    @Test func ofRacingUploadsThatMayNotReplaceOneWins() async throws {
        let core = try await CoreFixture()

        let winners = await withTaskGroup(of: String?.self) { group in
            for number in 0..<20 {
                group.addTask { await errorCode { try await core.put("\(number)", at: "a") } == nil ? "\(number)" : nil }
            }
            return await group.reduce(into: [String]()) { if let winner = $1 { $0.append(winner) } }
        }

        #expect(winners.count == 1)
        #expect(try await core.read("a") == winners.first)
        try await core.upkeep.removeDeletedBlobs()
        #expect(try await core.blobCount() == 1)
    }

    @Test func aCallerWithoutPolicyIsRefusedBeforeAByteIsRead() async throws {
        let core = try await CoreFixture()
        let body = SampleData.stream(
            SampleData.bytes(0 + 1), chunkBytes: 65_536, failingAfter: 0, with: StorageError(.internal, "was read"))

        do {
            _ = try await core.storage.objects.put(
                Upload(body: body, options: CoreFixture.options()), at: core.address("a"), access: .policy(CoreFixture.caller()))
            Issue.record("nothing was refused")
        } catch let error as StorageError {
            #expect(error.code == .accessDenied)
            #expect(error.refusal == PolicyRefusal(role: "authenticated", command: .insert, table: "storage.objects"))
        }
    }

    @Test func nobodyWritesByWayOfAPublicBucket() async throws {
        let core = try await CoreFixture(public: true)

        let code = await errorCode {
            _ = try await core.storage.objects.put(
                Upload(body: ByteStream(ByteBuffer(string: "x")), options: CoreFixture.options()), at: core.address("a"),
                access: .publicBucket(CoreFixture.facts))
        }

        #expect(code == .accessDenied)
    }

    @Test func anUnknownBucketIsSaid() async throws {
        let core = try await CoreFixture()

        let code = await errorCode {
            _ = try await core.storage.objects.put(
                Upload(body: ByteStream(ByteBuffer(string: "x")), options: CoreFixture.options()),
                at: core.address("a", in: BucketID(stored: "nowhere")), access: .policy(CoreFixture.service))
        }

        #expect(code == .bucketNotFound)
    }
}

/// A body that reads the object it is about to replace in the middle of its own bytes.
private actor Reading {
    private let core: CoreFixture
    private(set) var seen: [String] = []

    init(core: CoreFixture) { self.core = core }

    private func look() async throws { seen.append(try await core.read("a")) }

    nonisolated func stream(_ text: String) -> ByteStream {
        let stream = AsyncThrowingStream<ByteBuffer, any Error>(unfolding: { [state = Once(text)] in
            guard let text = state.take() else { return nil }
            try await self.look()
            return ByteBuffer(string: text)
        })
        return ByteStream(length: nil, chunks: stream)
    }

    private final class Once: Sendable {
        private let text: Mutex<String?>
        init(_ text: String) { self.text = Mutex(text) }
        func take() -> String? {
            text.withLock { text in
                defer { text = nil }; return text
            }
        }
    }
}
