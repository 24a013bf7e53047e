// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing
import WireFormats

@testable import MediaCore

@Suite struct VerifiedBytesTests {
    private static let bytes = SampleData.bytes(10_000)

    private static func blob() -> BlobLocation {
        let checksum = Checksum.of(bytes.readableBytesView, .crc64nvme)
        return BlobLocation(
            backend: BackendID("remote"), key: BlobKey("k"), size: 10_000, md5: nil, checksums: ["CRC64NVME": checksum.base64])
    }

    private static func content(_ bytes: ByteBuffer) -> BlobContent {
        BlobContent(source: .stream(SampleData.stream(bytes, chunkBytes: 999)), size: 10_000, range: 0..<10_000)
    }

    @Test func theRightBytesPass() async throws {
        let verified = try VerifiedBytes.verifying(Self.content(Self.bytes), of: Self.blob())
        #expect(try await verified.stream().collected() == Self.bytes)
    }

    @Test(arguments: [0, 5000, 9_999])
    func theEndOfWrongBytesNeverPasses(position: Int) async throws {
        var wrong = Self.bytes
        let byte = try #require(wrong.getInteger(at: position, as: UInt8.self))
        wrong.setInteger(byte ^ 1, at: position)
        let verified = try VerifiedBytes.verifying(Self.content(wrong), of: Self.blob())
        var received = 0
        await #expect(throws: StorageError.self) {
            for try await chunk in verified.stream().chunks { received += chunk.readableBytes }
        }
        #expect(received < 10_000)
    }

    @Test func wrongBytesAtHandAreRefusedAtOnce() {
        let content = BlobContent(source: .buffer(ByteBuffer(repeating: 7, count: 10_000)), size: 10_000, range: 0..<10_000)
        #expect(throws: StorageError.self) { try VerifiedBytes.verifying(content, of: Self.blob()) }
    }
}
