// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

/// Uploads made of others.
struct ConcatenationTests {
    @Test func piecesBecomeOneObjectInTheOrderNamed() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(3000)
        let two = try await piece(slice(bytes, 1000, 2000), fixture, requests: 3)
        let one = try await piece(slice(bytes, 0, 1000), fixture)

        let state = try await concatenate([one, two], fixture)

        let (stored, object) = try await fixture.read()
        #expect(stored == bytes)
        #expect(object.blob?.checksums["CRC64NVME"] == crc(bytes))
        #expect(state.session.isComplete && state.session.eTag.hasSuffix("-2\""))
    }

    @Test func aPieceByItselfIsNoObject() async throws {
        let fixture = try await UploadFixture()
        let one = try await piece(SampleData.bytes(10), fixture)

        #expect(fixture.metadata.allObjects.isEmpty)
        #expect(try await fixture.uploads.session(one).isWhole)
    }

    @Test func aPieceOfSeveralRequestsHasNoPlainDigestWhenItIsTheOnlyOne() async throws {
        let fixture = try await UploadFixture()
        let empty = try await piece(ByteBuffer(), fixture)
        let one = try await piece(SampleData.bytes(10), fixture, requests: 2)

        _ = try await concatenate([empty, one], fixture)

        let (stored, object) = try await fixture.read()
        #expect(stored == SampleData.bytes(10))
        #expect(object.blob?.md5 == nil)
    }

    @Test func whatIsNotWholeOrNoPieceIsRefusedAndLeavesNothing() async throws {
        let fixture = try await UploadFixture()
        let one = try await piece(SampleData.bytes(10), fixture)
        let half = try await fixture.begin(10, kind: .partial)
        let ordinary = try await fixture.begin(10)
        let before = fixture.metadata.allUploads.count

        #expect(await errorCode { _ = try await concatenate([one, half], fixture) } == .lengthMismatch)
        #expect(await errorCode { _ = try await concatenate([one, ordinary], fixture) } == .uploadNotFound)
        #expect(await errorCode { _ = try await concatenate([one, UploadID()], fixture) } == .uploadNotFound)

        #expect(fixture.metadata.allUploads.count == before)
    }

    @Test func aFailureLeavesThePiecesForAnotherTry() async throws {
        let fixture = try await UploadFixture()
        let one = try await piece(SampleData.bytes(10), fixture)
        fixture.blobs.fail(.put, times: 1)
        #expect(await errorCode { _ = try await concatenate([one], fixture) } == .backendUnavailable)
        #expect(fixture.metadata.allUploads.map(\.id) == [one])

        _ = try await concatenate([one], fixture)

        #expect(try await fixture.read().bytes == SampleData.bytes(10))
    }

    @Test func piecesGoWithTheirTime() async throws {
        let fixture = try await UploadFixture()
        let one = try await piece(SampleData.bytes(10), fixture)
        _ = try await concatenate([one], fixture)
        #expect(fixture.memory.count == 2)
        fixture.clock.advance(seconds: 3600)

        try await fixture.upkeep.removeExpiredUploads(now: fixture.clock.now())

        #expect(fixture.memory.count == 1)
        #expect(try await fixture.read().bytes == SampleData.bytes(10))
    }

    private func piece(_ bytes: ByteBuffer, _ fixture: UploadFixture, requests: Int = 1) async throws -> UploadID {
        let id = try await fixture.begin(Int64(bytes.readableBytes), kind: .partial)
        let size = (bytes.readableBytes + requests - 1) / requests
        for offset in stride(from: 0, to: bytes.readableBytes, by: max(1, size)) {
            let part = slice(bytes, offset, min(size, bytes.readableBytes - offset))
            try await fixture.append(part, to: id, at: Int64(offset))
        }
        return id
    }

    private func concatenate(_ pieces: [UploadID], _ fixture: UploadFixture) async throws -> UploadState {
        try await fixture.uploads.concatenate(
            pieces, into: UploadBeginning(kind: .appended, options: CoreFixture.options()), at: fixture.address,
            access: UploadFixture.service)
    }
}
