// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

/// Uploads in numbered parts.
struct PartsTests {
    @Test func partsInAnyOrderBecomeTheObject() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(2500)
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        for (number, range) in [(7, 2000..<2500), (1, 0..<1000), (3, 1000..<2000)] {
            try await put(slice(bytes, range.lowerBound, range.count), number, id, fixture)
        }

        let parts = try await fixture.uploads.parts(of: id, after: nil, limit: 100, access: UploadFixture.service)
        let state = try await complete(parts, id, fixture)

        #expect(parts.map(\.number.rawValue) == [1, 3, 7])
        let (stored, object) = try await fixture.read()
        #expect(stored == bytes)
        #expect(object.blob?.checksums["CRC64NVME"] == crc(bytes))
        let eTag = "\"" + md5(ByteBuffer(bytes: parts.compactMap(\.md5).flatMap(unhex))) + "-3\""
        #expect(ObjectMetadata(parsing: object.record.metadata).eTag == eTag)
        #expect(state.session.eTag == eTag)
    }

    @Test func onePartHasACompositeTagToo() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let part = try await put(SampleData.bytes(10), 1, id, fixture)

        let state = try await complete([part], id, fixture)

        #expect(state.session.eTag.hasSuffix("-1\""))
        #expect(try await fixture.read().object.blob?.md5 == nil)
    }

    @Test func aPartWrittenAgainReplacesTheFirst() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let first = try await put(ByteBuffer(string: "first"), 1, id, fixture)
        let second = try await put(ByteBuffer(string: "second"), 1, id, fixture)

        #expect(await errorCode { _ = try await complete([first], id, fixture) } == .invalidPart)
        _ = try await complete([second], id, fixture)

        #expect(try await fixture.read().bytes == ByteBuffer(string: "second"))
    }

    @Test func ofTwoRequestsForOnePartTheOneThatFinishesLastWins() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let (starts, started) = AsyncStream.makeStream(of: Void.self)
        let slow = HeldBody(ByteBuffer(string: "began first"), gate: gate) { started.yield() }
        let beginning = Task {
            try await fixture.uploads.putPart(
                PartUpload(body: slow.stream), as: PartNumber(1), of: id, access: UploadFixture.service)
        }
        for await _ in starts { break }

        let fast = try await put(ByteBuffer(string: "began last"), 1, id, fixture)
        open.yield()
        let last = try await beginning.value

        #expect(await errorCode { _ = try await complete([fast], id, fixture) } == .invalidPart)
        _ = try await complete([last], id, fixture)
        #expect(try await fixture.read().bytes == ByteBuffer(string: "began first"))
    }

    @Test func requestsForOnePartInAnyOrderLeaveARowThatFitsTheBytes() async throws {
        let fixture = try await UploadFixture()
        for round in 0..<20 {
            let id = try await fixture.begin(nil, kind: .parts, mode: .replace, expires: false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask { try await put(SampleData.bytes(700 + writer, seed: UInt64(writer)), 1, id, fixture) }
                }
                try await group.waitForAll()
            }
            let parts = try await fixture.uploads.parts(of: id, after: nil, limit: 10, access: UploadFixture.service)

            _ = try await complete(parts, id, fixture)

            let stored = try await fixture.read().bytes
            #expect(md5(stored) == parts[0].md5, "round \(round)")
        }
    }

    @Test func aPartThatFailsLeavesTheOneBefore() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let first = try await put(ByteBuffer(string: "first"), 1, id, fixture)
        let broken = SampleData.stream(SampleData.bytes(3000), chunkBytes: 500, failingAfter: 1500)
        await #expect(throws: SampleFailure.self) {
            try await fixture.uploads.putPart(
                PartUpload(body: broken), as: PartNumber(1), of: id, access: UploadFixture.service)
        }
        let wrong = PartUpload(body: ByteStream(ByteBuffer(string: "wrong"))) { throw StorageError(.digestMismatch, "no") }
        #expect(
            await errorCode {
                _ = try await fixture.uploads.putPart(wrong, as: PartNumber(1), of: id, access: UploadFixture.service)
            } == .digestMismatch)

        _ = try await complete([first], id, fixture)

        #expect(try await fixture.read().bytes == ByteBuffer(string: "first"))
    }

    @Test func theDigestsThatCameWithAPartAreKept() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let upload = PartUpload(body: ByteStream(ByteBuffer(string: "x"))) { ["CRC32": "jNypHg=="] }

        let part = try await fixture.uploads.putPart(upload, as: PartNumber(1), of: id, access: UploadFixture.service)

        #expect(part.checksums["CRC32"] == "jNypHg==")
        #expect(try await fixture.uploads.parts(of: id, after: nil, limit: 1, access: UploadFixture.service) == [part])
        let completion = PartsCompletion(parts: [try named(part)], leastPartBytes: 0) { parts in
            parts[0].checksums.filter { $0.key == "CRC32" }
        }
        _ = try await fixture.uploads.complete(completion, of: id, access: UploadFixture.service)
        let object = try await fixture.read().object
        #expect(object.blob?.checksums.keys.sorted() == ["CRC32", "CRC64NVME"])
        let kept = try await fixture.storage.objects.partChecksums(of: object)
        #expect(kept == PartChecksums(algorithm: "CRC32", values: ["jNypHg=="]))
    }

    @Test func aCompletionIsAnsweredAgain() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let parts = [
            try await put(SampleData.bytes(100), 1, id, fixture), try await put(SampleData.bytes(50), 2, id, fixture),
        ]
        let first = try await complete(parts, id, fixture)

        let again = try await complete(parts, id, fixture)

        #expect(again.session.eTag == first.session.eTag && again.record == nil)
        #expect(await errorCode { _ = try await complete([parts[0]], id, fixture) } == .uploadNotFound)
        #expect(await errorCode { _ = try await put(SampleData.bytes(1), 3, id, fixture) } == .uploadNotFound)
    }

    @Test(arguments: [[0, 1], [1, 2], [2]])
    func aCompletionThatDiedBeforeItsRowLeavesTheUploadToAnyOther(of chosen: [Int]) async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let texts = ["aaa", "bbb", "ccc"]
        var parts: [UploadPart] = []
        for (index, text) in texts.enumerated() {
            parts.append(try await put(ByteBuffer(string: text), index + 1, id, fixture))
        }
        fixture.blobs.fail(.completeMultipart, times: 1, at: .after)
        #expect(await errorCode { _ = try await complete([parts[0], parts[1]], id, fixture) } == .backendUnavailable)

        let state = try await complete(chosen.map { parts[$0] }, id, fixture)

        #expect(state.record != nil && state.session.eTag.hasSuffix("-\(chosen.count)\""))
        #expect(try await fixture.read().bytes == ByteBuffer(string: chosen.map { texts[$0] }.joined()))
    }

    @Test func aPartSentAgainAfterACompletionThatDiedIsTheOneThatCounts() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let one = try await put(ByteBuffer(string: "old"), 1, id, fixture)
        fixture.blobs.fail(.completeMultipart, times: 1, at: .after)
        #expect(await errorCode { _ = try await complete([one], id, fixture) } == .backendUnavailable)

        let again = try await put(ByteBuffer(string: "new"), 1, id, fixture)

        #expect(await errorCode { _ = try await complete([one], id, fixture) } == .invalidPart)
        _ = try await complete([again], id, fixture)
        #expect(try await fixture.read().bytes == ByteBuffer(string: "new"))
    }

    @Test func theBlobOfAnotherServersAttemptIsNotTakenForOnesOwn() async throws {
        let interloper = Interloper()
        let fixture = try await UploadFixture(beforeEachCall: { call in
            if call == .completeMultipart { try await interloper.strike() }
        })
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let mine = try await put(ByteBuffer(string: "mine"), 1, id, fixture)
        let other = try await put(ByteBuffer(string: "hers"), 2, id, fixture)
        let elsewhere = try await fixture.uploadsOfAnotherServer()
        let theirs = PartsCompletion(parts: [try named(other)], leastPartBytes: 0)
        // The other one makes its blob of the same size between what this one looked at and what it writes, and dies before the row.
        await interloper.wait(for: {
            fixture.blobs.fail(.completeMultipart, times: 1, at: .after)
            let code = await errorCode { _ = try await elsewhere.complete(theirs, of: id, access: UploadFixture.service) }
            #expect(code == .backendUnavailable)
        })

        #expect(await errorCode { _ = try await complete([mine], id, fixture) } != nil)
        _ = try await complete([mine], id, fixture)

        #expect(try await fixture.read().bytes == ByteBuffer(string: "mine"))
        #expect(
            await errorCode { _ = try await elsewhere.complete(theirs, of: id, access: UploadFixture.service) } == .uploadNotFound
        )
    }

    @Test func whoAsksAgainWhileTheObjectIsMadeGetsTheSameAnswer() async throws {
        let gate = Gate()
        let fixture = try await UploadFixture(
            patience: .milliseconds(1),
            beforeEachCall: { call in
                if call == .completeMultipart { await gate.wait() }
            })
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let part = try await put(SampleData.bytes(100), 1, id, fixture)
        let first = Task { try await complete([part], id, fixture) }
        await gate.isReached()

        let others = (0..<3).map { _ in Task { try await complete([part], id, fixture) } }
        // Only requests of other kinds lose their patience.
        #expect(await errorCode { try await fixture.uploads.abort(id, access: UploadFixture.service) } == .locked)
        await gate.open()

        let state = try await first.value
        for other in others {
            let answer = try await other.value
            #expect(answer.session.eTag == state.session.eTag && answer.session.isComplete && answer.record == nil)
        }
        #expect(fixture.blobs.count(of: .completeMultipart) == 1)
    }

    @Test func aClientThatGoesAwayDoesNotEndTheCompletion() async throws {
        let gate = Gate()
        let fixture = try await UploadFixture(beforeEachCall: { call in
            if call == .completeMultipart {
                await gate.wait()
                try Task.checkCancellation()
            }
        })
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let part = try await put(SampleData.bytes(100), 1, id, fixture)
        let client = Task { try await complete([part], id, fixture) }
        await gate.isReached()

        client.cancel()
        await #expect(throws: CancellationError.self) { try await client.value }
        await gate.open()

        #expect(try await complete([part], id, fixture).session.isComplete)
        #expect(try await fixture.read().bytes == SampleData.bytes(100))
        #expect(fixture.blobs.count(of: .completeMultipart) == 1)
    }

    @Test func aListThatIsWrongIsRefused() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let one = try await put(SampleData.bytes(10), 1, id, fixture)
        let two = try await put(SampleData.bytes(10), 2, id, fixture)
        var ghost = two
        ghost.blob.number = try PartNumber(9)

        #expect(await errorCode { _ = try await complete([], id, fixture) } == .invalidPart)
        #expect(await errorCode { _ = try await complete([one, ghost], id, fixture) } == .invalidPart)
        #expect(await errorCode { _ = try await complete([two, one], id, fixture) } == .invalidPartOrder)
        #expect(await errorCode { _ = try await complete([one, one], id, fixture) } == .invalidPartOrder)
        #expect(await errorCode { _ = try await complete([one, two], id, fixture, least: 11) } == .partTooSmall)
        _ = try await complete([one], id, fixture, least: 11)
    }

    @Test func aConditionThatFailsLeavesTheUploadAsItWas() async throws {
        let fixture = try await UploadFixture()
        let other = try await fixture.begin(nil, kind: .parts, mode: .replace, expires: false)
        let id = try await fixture.begin(nil, kind: .parts, mode: .replace, expires: false)
        _ = try await complete([try await put(ByteBuffer(string: "there"), 1, other, fixture)], other, fixture)
        let part = try await put(ByteBuffer(string: "mine"), 1, id, fixture)

        let refused = PartsCompletion(parts: [try named(part)], leastPartBytes: 0, condition: .ifAbsent)
        let code = await errorCode { _ = try await fixture.uploads.complete(refused, of: id, access: UploadFixture.service) }
        #expect(code == .preconditionFailed)

        let again = try await put(ByteBuffer(string: "mine after all"), 1, id, fixture)
        _ = try await complete([again], id, fixture)
        #expect(try await fixture.read().bytes == ByteBuffer(string: "mine after all"))
    }

    @Test func aCompletionThatTheDatabaseRefusesUsesUpNoParts() async throws {
        let interloper = Interloper()
        let fixture = try await UploadFixture(beforeEachCall: { call in
            if call == .completeMultipart { try await interloper.strike() }
        })
        let id = try await fixture.begin(nil, kind: .parts, mode: .replace, expires: false)
        let other = try await fixture.begin(nil, kind: .parts, mode: .replace, expires: false)
        let mine = try await put(ByteBuffer(string: "mine"), 1, id, fixture)
        let theirs = try await put(ByteBuffer(string: "theirs"), 1, other, fixture)
        // Somebody writes the object after the condition was looked at first.
        await interloper.wait(for: { _ = try await complete([theirs], other, fixture) })

        let refused = PartsCompletion(parts: [try named(mine)], leastPartBytes: 0, condition: .ifAbsent)
        let code = await errorCode { _ = try await fixture.uploads.complete(refused, of: id, access: UploadFixture.service) }

        #expect(code == .preconditionFailed)
        try await put(ByteBuffer(string: "more"), 2, id, fixture)
        _ = try await complete([mine], id, fixture)
        #expect(try await fixture.read().bytes == ByteBuffer(string: "mine"))
        #expect(fixture.memory.unfinishedCount == 0)
    }

    @Test func aCrashBeforeThePartsAreRemovedLeavesThemToTheSweep() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let part = try await put(ByteBuffer(string: "mine"), 1, id, fixture)
        fixture.blobs.fail(.abortMultipart, times: 1)

        _ = try await complete([part], id, fixture)
        #expect(fixture.memory.unfinishedCount == 1)
        fixture.clock.advance(seconds: 90_000)
        try await fixture.upkeep.sweep(now: fixture.clock.now())

        #expect(fixture.memory.unfinishedCount == 0)
        #expect(try await fixture.read().bytes == ByteBuffer(string: "mine"))
    }

    @Test func anObjectBeyondTheLimitIsNotMade() async throws {
        let fixture = try await UploadFixture(maxBytes: 100)
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let parts = [
            try await put(SampleData.bytes(60), 1, id, fixture), try await put(SampleData.bytes(60), 2, id, fixture),
        ]

        #expect(await errorCode { _ = try await put(SampleData.bytes(101), 3, id, fixture) } == .tooLarge)
        #expect(await errorCode { _ = try await complete(parts, id, fixture) } == .tooLarge)
    }

    @Test func everyoneSeesTheirOwnUploads() async throws {
        let fixture = try await UploadFixture(policies: Policy.allowing([.insert, .select], to: "authenticated"))
        let (alice, bob) = (CoreFixture.caller(), CoreFixture.caller(subject: "22222222-2222-4222-8222-222222222222"))
        let id = try await fixture.begin(nil, kind: .parts, access: .policy(alice), expires: false)
        let query = UploadQuery(bucket: fixture.address.bucket, kind: .parts)

        #expect(try await fixture.uploads.list(query, as: alice).map(\.id) == [id])
        #expect(try await fixture.uploads.list(query, as: CoreFixture.service).map(\.id) == [id])
        #expect(try await fixture.uploads.list(query, as: bob).isEmpty)
    }

    @discardableResult
    private func put(_ bytes: ByteBuffer, _ number: Int, _ id: UploadID, _ fixture: UploadFixture) async throws -> UploadPart {
        try await fixture.uploads.putPart(
            PartUpload(body: SampleData.stream(bytes, chunkBytes: 300)), as: PartNumber(number), of: id,
            access: UploadFixture.service)
    }

    /// A body whose end waits until it is let go.
    private struct HeldBody: AsyncSequence, Sendable {
        typealias Failure = any Error
        let bytes: ByteBuffer
        let gate: AsyncStream<Void>
        let isWaiting: @Sendable () -> Void

        init(_ bytes: ByteBuffer, gate: AsyncStream<Void>, isWaiting: @escaping @Sendable () -> Void) {
            self.bytes = bytes
            self.gate = gate
            self.isWaiting = isWaiting
        }

        var stream: ByteStream { ByteStream(length: Int64(bytes.readableBytes), chunks: self) }

        struct AsyncIterator: AsyncIteratorProtocol {
            let body: HeldBody
            var isSent = false

            mutating func next() async throws -> ByteBuffer? {
                guard isSent else {
                    isSent = true
                    return body.bytes
                }
                body.isWaiting()
                for await _ in body.gate { break }
                return nil
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }
    }

    private func complete(
        _ parts: [UploadPart], _ id: UploadID, _ fixture: UploadFixture, least: Int64 = 0
    ) async throws -> UploadState {
        try await fixture.uploads.complete(
            PartsCompletion(parts: parts.map(named), leastPartBytes: least), of: id, access: UploadFixture.service)
    }

    private func named(_ part: UploadPart) throws -> PartsCompletion.Named {
        PartsCompletion.Named(number: part.number, eTag: try #require(part.md5))
    }

    private func unhex(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.utf8.count, by: 2).compactMap { UInt8(text.dropFirst($0).prefix(2), radix: 16) }
    }
}

/// What somebody else does in the middle of a call, once.
private actor Interloper {
    private var deed: (@Sendable () async throws -> Void)?

    func wait(for deed: @escaping @Sendable () async throws -> Void) { self.deed = deed }

    func strike() async throws {
        let deed = self.deed
        self.deed = nil
        try await deed?()
    }
}
