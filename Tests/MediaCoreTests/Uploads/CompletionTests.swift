// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import NIOCore
import Testing

/// The end of an upload, and everything that can come between its bytes and its row.
struct CompletionTests {
    @Test(arguments: [FaultyBlobStore.Moment.before, .after])
    func aFailureToMakeTheBlobIsRepaired(by moment: FaultyBlobStore.Moment) async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(2000)
        let id = try await fixture.begin(2000)
        fixture.blobs.fail(.completeMultipart, times: 1, at: moment)

        #expect(await errorCode { try await fixture.append(bytes, to: id, at: 0) } == .backendUnavailable)

        #expect(try await fixture.offset(id) == 2000)
        let state = try await fixture.append(ByteBuffer(), to: id, at: 2000)
        #expect(state.session.isComplete && state.record != nil)
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func aBlobThatWaitsForItsRowIsNotSwept() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(2000)
        let id = try await fixture.begin(2000, expires: false)
        fixture.blobs.fail(.completeMultipart, times: 1, at: .after)
        _ = await errorCode { try await fixture.append(bytes, to: id, at: 0) }
        fixture.clock.advance(seconds: 90_000)

        try await fixture.upkeep.sweep(now: fixture.clock.now())

        try await fixture.append(ByteBuffer(), to: id, at: 2000)
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func ofTwoUploadsWithoutUpsertTheFirstToEndWins() async throws {
        let fixture = try await UploadFixture()
        let (one, two) = (try await fixture.begin(5), try await fixture.begin(5))
        try await fixture.append(ByteBuffer(string: "one"), to: one, at: 0)
        try await fixture.append(ByteBuffer(string: "two.."), to: two, at: 0)

        #expect(await errorCode { try await fixture.append(ByteBuffer(string: ".."), to: one, at: 3) } == .objectExists)

        #expect(try await fixture.read().bytes == ByteBuffer(string: "two.."))
    }

    @Test func ofTwoUploadsWithUpsertTheLastToEndStays() async throws {
        let fixture = try await UploadFixture()
        let (one, two) = (try await fixture.begin(3, mode: .replace), try await fixture.begin(3, mode: .replace))
        try await fixture.append(ByteBuffer(string: "two"), to: two, at: 0)
        try await fixture.append(ByteBuffer(string: "one"), to: one, at: 0)

        #expect(try await fixture.read().bytes == ByteBuffer(string: "one"))
        #expect(fixture.metadata.requestedDeletions.map(\.key) == [two.blobKey])
    }

    @Test func givingUpLeavesNothing() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(2000)
        try await fixture.append(SampleData.bytes(1000), to: id, at: 0)

        try await fixture.uploads.abort(id, access: UploadFixture.service)

        #expect(await errorCode { _ = try await fixture.uploads.session(id) } == .uploadNotFound)
        #expect(fixture.memory.unfinishedCount == 0 && fixture.memory.count == 0)
    }

    @Test func anExpiredUploadIsGoneAndItsBytesWithIt() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(2000)
        try await fixture.append(SampleData.bytes(1000), to: id, at: 0)
        let forever = try await fixture.begin(nil, kind: .parts, expires: false)
        fixture.clock.advance(seconds: 3600)

        #expect(await errorCode { _ = try await fixture.uploads.session(id) } == .uploadExpired)
        #expect(await errorCode { try await fixture.append(ByteBuffer(string: "x"), to: id, at: 1000) } == .uploadExpired)
        #expect(try await fixture.upkeep.removeExpiredUploads(now: fixture.clock.now()) == 1)

        #expect(await errorCode { _ = try await fixture.uploads.session(id) } == .uploadNotFound)
        #expect(try await fixture.uploads.session(forever).id == forever)
        #expect(fixture.memory.unfinishedCount == 1)
    }

    @Test func theEndOfASessionIsNotTheEndOfItsObject() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(10)
        try await fixture.append(SampleData.bytes(10), to: id, at: 0)
        fixture.clock.advance(seconds: 7200)

        #expect(try await fixture.upkeep.removeExpiredUploads(now: fixture.clock.now()) == 1)
        try await fixture.upkeep.sweep(now: fixture.clock.now())

        #expect(try await fixture.read().bytes == SampleData.bytes(10))
    }

    @Test func theSweepKnowsWhichPartsAreNobodys() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(20)
        let id = try await fixture.begin(20, expires: false)
        try await fixture.append(slice(bytes, 0, 10), to: id, at: 0)
        _ = try await fixture.memory.beginMultipart(at: BlobKey("nobodys"))
        fixture.clock.advance(seconds: 90_000)

        #expect(try await fixture.upkeep.sweep(now: fixture.clock.now()) == 1)

        #expect(fixture.memory.unfinishedCount == 1)
        try await fixture.append(slice(bytes, 10, 10), to: id, at: 10)
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func aRowThatCanNotBeWrittenLeavesNoParts() async throws {
        let fixture = try await UploadFixture()
        let nowhere = ObjectAddress(bucket: BucketID(stored: "nowhere"), key: fixture.address.key)
        let beginning = UploadBeginning(kind: .appended, options: CoreFixture.options(), length: 1)

        #expect(
            await errorCode { _ = try await fixture.uploads.begin(beginning, at: nowhere, access: UploadFixture.service) }
                == .bucketNotFound)

        #expect(fixture.memory.unfinishedCount == 0)
    }
}
