// SPDX-License-Identifier: Apache-2.0

import Crypto
import MediaCore
import MediaTesting
import NIOCore
import Testing
import WireFormats

/// Uploads whose bytes come one after the other.
struct AppendTests {
    @Test(arguments: [nil, 700] as [Int64?], [64 << 20, 1000] as [Int64])
    func piecesBecomeTheObject(preferredPartBytes: Int64?, checkpointBytes: Int64) async throws {
        let fixture = try await UploadFixture(preferredPartBytes: preferredPartBytes, checkpointBytes: checkpointBytes)
        let bytes = SampleData.bytes(10_000)
        let id = try await fixture.begin(10_000)

        var offset = 0
        for size in [1, 1, 2500, 699, 1, 6798] {
            let state = try await fixture.append(slice(bytes, offset, size), to: id, at: Int64(offset))
            offset += size
            #expect(state.session.offset == Int64(offset))
            #expect(state.session.isComplete == (offset == 10_000))
        }

        let (stored, object) = try await fixture.read()
        #expect(stored == bytes)
        #expect(object.record.version == id.version)
        #expect(object.blob?.size == 10_000)
        #expect(object.blob?.md5 == nil)
        #expect(object.blob?.checksums["CRC64NVME"] == crc(bytes))
        #expect(ObjectMetadata(parsing: object.record.metadata).eTag?.hasSuffix("-6\"") == true)
        #expect(fixture.memory.unfinishedCount == 0)
    }

    @Test(arguments: [nil, 700] as [Int64?])
    func anUploadOfOneRequestHasThePlainDigest(preferredPartBytes: Int64?) async throws {
        let fixture = try await UploadFixture(preferredPartBytes: preferredPartBytes, checkpointBytes: 900)
        let bytes = SampleData.bytes(5_000)
        let id = try await fixture.begin(5_000)

        let state = try await fixture.append(bytes, to: id, at: 0)

        let (stored, object) = try await fixture.read()
        #expect(stored == bytes)
        #expect(state.record?.id == object.record.id)
        #expect(object.blob?.md5 == md5(bytes))
        #expect(ObjectMetadata(parsing: object.record.metadata).eTag == "\"\(md5(bytes))\"")
    }

    @Test func anObjectOfNoBytesIsOne() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(0)

        let state = try await fixture.append(ByteBuffer(), to: id, at: 0)

        #expect(state.session.isComplete)
        let (stored, object) = try await fixture.read()
        #expect(stored.readableBytes == 0)
        #expect(object.blob?.md5 == "d41d8cd98f00b204e9800998ecf8427e")
    }

    @Test func theLengthMayComeLater() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(300)
        let id = try await fixture.begin(nil)
        try await fixture.append(slice(bytes, 0, 100), to: id, at: 0)

        let declared = try await fixture.uploads.append(
            UploadAppend(body: ByteStream(ByteBuffer()), offset: 100, length: 300), to: id, access: UploadFixture.service)
        #expect(!declared.session.isComplete)
        #expect(try await fixture.uploads.session(id).length == 300)
        let other = UploadAppend(body: ByteStream(ByteBuffer()), offset: 100, length: 301)
        #expect(
            await errorCode { _ = try await fixture.uploads.append(other, to: id, access: UploadFixture.service) }
                == .lengthMismatch)
        try await fixture.append(slice(bytes, 100, 200), to: id, at: 100)

        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func anEndMayBeDeclaredInsteadOfALength() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(300)
        let id = try await fixture.begin(nil)
        try await fixture.append(slice(bytes, 0, 100), to: id, at: 0)

        let last = UploadAppend(body: SampleData.stream(slice(bytes, 100, 200), chunkBytes: 64), offset: 100, isLast: true)
        let state = try await fixture.uploads.append(last, to: id, access: UploadFixture.service)

        #expect(state.session.isComplete && state.session.length == 300)
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func anEndBeforeTheLengthIsRefused() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(300)

        for announced in [.truth, .nothing] as [SampleData.Announcement] {
            let body = SampleData.stream(SampleData.bytes(100), chunkBytes: 64, announced: announced)
            let offset = try await fixture.offset(id)
            let last = UploadAppend(body: body, offset: offset, isLast: true)
            #expect(
                await errorCode { _ = try await fixture.uploads.append(last, to: id, access: UploadFixture.service) }
                    == .lengthMismatch)
        }

        #expect(try await fixture.uploads.session(id).isComplete == false)
    }

    @Test func anotherOffsetIsRefusedAndChangesNothing() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(200)
        let id = try await fixture.begin(200)
        try await fixture.append(slice(bytes, 0, 100), to: id, at: 0)

        for offset in [0, 99, 101, 200] as [Int64] {
            #expect(await errorCode { try await fixture.append(bytes, to: id, at: offset) } == .uploadOffsetMismatch)
        }

        try await fixture.append(slice(bytes, 100, 100), to: id, at: 100)
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func whatCameBeforeTheClientWentAwayIsCounted() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(10_000)
        let id = try await fixture.begin(10_000)
        let gone = StorageError(.clientDisconnected, "gone")
        let broken = SampleData.stream(bytes, chunkBytes: 700, failingAfter: 4321, with: gone)

        #expect(
            await errorCode {
                _ = try await fixture.uploads.append(
                    UploadAppend(body: broken, offset: 0), to: id, access: UploadFixture.service)
            } == .clientDisconnected)

        #expect(try await fixture.offset(id) == 4321)
        try await fixture.append(slice(bytes, 4321, 5679), to: id, at: 4321)
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func aCancelledCallerLosesNothingThatCame() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(2000)
        let id = try await fixture.begin(2000)
        let hanging = HangingBody(slice(bytes, 0, 1200))
        let sending = Task {
            try await fixture.uploads.append(
                UploadAppend(body: hanging.stream, offset: 0), to: id, access: UploadFixture.service)
        }
        await hanging.isWaiting()

        sending.cancel()

        await #expect(throws: CancellationError.self) { try await sending.value }
        #expect(try await fixture.offset(id) == 1200)
        try await fixture.append(slice(bytes, 1200, 800), to: id, at: 1200)
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func bytesBeyondTheLengthAreRefusedBeforeTheyAreRead() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(100)

        #expect(await errorCode { try await fixture.append(SampleData.bytes(101), to: id, at: 0) } == .tooLarge)

        #expect(fixture.blobs.count(of: .appendPart) == 0)
    }

    @Test func bytesBeyondTheLengthThatNobodyAnnouncedEndTheRequest() async throws {
        let fixture = try await UploadFixture()
        let bytes = SampleData.bytes(5000)
        let id = try await fixture.begin(2500)
        let body = SampleData.stream(bytes, chunkBytes: 1000, announced: .nothing)

        #expect(
            await errorCode {
                _ = try await fixture.uploads.append(
                    UploadAppend(body: body, offset: 0), to: id, access: UploadFixture.service)
            } == .tooLarge)

        let session = try await fixture.uploads.session(id)
        #expect(session.offset == 2000 && !session.isComplete)
        try await fixture.append(slice(bytes, 2000, 500), to: id, at: 2000)
        #expect(try await fixture.read().bytes == slice(bytes, 0, 2500))
    }

    @Test func bytesThatFailTheirVerificationAreDiscarded() async throws {
        let fixture = try await UploadFixture(checkpointBytes: 100)
        let bytes = SampleData.bytes(3000)
        let id = try await fixture.begin(3000)
        try await fixture.append(slice(bytes, 0, 500), to: id, at: 0)

        #expect(
            await errorCode {
                try await fixture.append(SampleData.bytes(2500, seed: 7), to: id, at: 500) {
                    throw StorageError(.digestMismatch, "wrong")
                }
            } == .digestMismatch)

        #expect(try await fixture.offset(id) == 500)
        try await fixture.append(slice(bytes, 500, 2500), to: id, at: 500) {}
        #expect(try await fixture.read().bytes == bytes)
    }

    @Test func aRepeatedEndAnswersAsTheFirst() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(100)
        try await fixture.append(SampleData.bytes(100), to: id, at: 0)

        let again = try await fixture.append(ByteBuffer(), to: id, at: 100)

        #expect(again.session.isComplete && again.record == nil)
        #expect(await errorCode { try await fixture.append(ByteBuffer(string: "x"), to: id, at: 100) } == .uploadComplete)
    }

    @Test func anUploadCompleteAtItsOffsetIsNoNewObject() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(100)
        try await fixture.append(SampleData.bytes(100), to: id, at: 0)

        #expect(await errorCode { try await fixture.uploads.abort(id, access: UploadFixture.service) } == .uploadComplete)

        #expect(try await fixture.read().bytes == SampleData.bytes(100))
    }
}

func slice(_ bytes: ByteBuffer, _ offset: Int, _ size: Int) -> ByteBuffer {
    bytes.getSlice(at: bytes.readerIndex + offset, length: size) ?? ByteBuffer()
}

func md5(_ bytes: ByteBuffer) -> String {
    let digest = Insecure.MD5.hash(data: Array(bytes.readableBytesView))
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func crc(_ bytes: ByteBuffer) -> String { Checksum.of(Array(bytes.readableBytesView), .crc64nvme).base64 }
