// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

/// Uploads in parts that are given up many at a time.
struct GiveUpTests {
    @Test func allThatAreDueGoWithTheirBytes() async throws {
        let fixture = try await UploadFixture()
        // More than one page of them, all of one key.
        for _ in 0..<1203 { _ = try await fixture.begin(nil, kind: .parts, expires: false) }
        fixture.clock.advance(seconds: 10)
        let date = fixture.clock.now()
        let young = try await fixture.begin(nil, kind: .parts, expires: false)

        let query = IncompleteUploadQuery(in: fixture.address.bucket, startedBefore: date)
        #expect(try await fixture.uploads.giveUp(query) == 1203)

        let all = UploadQuery(bucket: fixture.address.bucket, kind: .parts)
        #expect(try await fixture.uploads.list(all, as: CoreFixture.service).map(\.id) == [young])
        #expect(fixture.memory.unfinishedCount == 1)
        #expect(try await fixture.uploads.giveUp(query) == 0)
    }

    @Test func oneThatIsBeingCompletedIsLeftAlone() async throws {
        let gate = Gate()
        let fixture = try await UploadFixture(beforeEachCall: { call in
            if call == .completeMultipart { await gate.wait() }
        })
        let (busy, idle) = (
            try await fixture.begin(nil, kind: .parts, expires: false), try await fixture.begin(nil, kind: .parts, expires: false)
        )
        let part = try await fixture.uploads.putPart(
            PartUpload(body: ByteStream(ByteBuffer(string: "x"))), as: PartNumber(1), of: busy, access: UploadFixture.service)
        let completion = PartsCompletion(parts: [.init(number: part.number, eTag: try #require(part.md5))], leastPartBytes: 0)
        let completing = Task { try await fixture.uploads.complete(completion, of: busy, access: UploadFixture.service) }
        await gate.isReached()
        fixture.clock.advance(seconds: 10)

        let query = IncompleteUploadQuery(in: fixture.address.bucket, startedBefore: fixture.clock.now())
        #expect(try await fixture.uploads.giveUp(query) == 1)
        await gate.open()

        #expect(try await completing.value.session.isComplete)
        #expect(await errorCode { _ = try await fixture.uploads.session(idle) } == .uploadNotFound)
        #expect(try await fixture.read().bytes == ByteBuffer(string: "x"))
    }

    @Test func bytesThatCanNotBeRemovedAreLeftToTheSweep() async throws {
        let fixture = try await UploadFixture()
        for _ in 0..<3 { _ = try await fixture.begin(nil, kind: .parts, expires: false) }
        fixture.clock.advance(seconds: 90_000)
        fixture.blobs.fail(.abortMultipart, after: 1, times: 1)

        let query = IncompleteUploadQuery(in: fixture.address.bucket, startedBefore: fixture.clock.now())
        #expect(try await fixture.uploads.giveUp(query) == 3)
        #expect(fixture.memory.unfinishedCount == 1)

        #expect(try await fixture.upkeep.sweep(now: fixture.clock.now()) == 1)
        #expect(fixture.memory.unfinishedCount == 0)
    }
}
