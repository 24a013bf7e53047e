// SPDX-License-Identifier: Apache-2.0

import Crypto
import MediaTesting
import NIOCore
import Testing
import WireFormats

@testable import MediaCore

@Suite struct MeteredBodyTests {
    private static let mebibyte = 1024 * 1024

    /// Drains a body of `size` bytes through a meter and compares what it found with digests of the whole.
    private static func check(_ size: Int, chunkBytes: Int, announced: Bool = true) async throws {
        let sample = SampleData.bytes(size)
        let bytes = Array(sample.readableBytesView)
        let meter = MeteredBody(limit: Int64(size), line: DigestLine())
        var passed: [UInt8] = []
        let body = SampleData.stream(sample, chunkBytes: chunkBytes, announced: announced ? .truth : .nothing)
        for try await chunk in meter.stream(body).chunks { passed += chunk.readableBytesView }
        let found = await meter.finish()
        #expect(passed == bytes)
        #expect(found.size == Int64(size))
        #expect(found.md5 == Insecure.MD5.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        #expect(found.checksums == ["CRC64NVME": Checksum.of(bytes, .crc64nvme).base64])
    }

    @Test(arguments: [0, 1, 1000, 16 * 1024, 100_000, 256 * 1024, 256 * 1024 + 1, mebibyte - 1, mebibyte, 3 * mebibyte + 17])
    func digestsAreThoseOfTheWhole(size: Int) async throws {
        try await Self.check(size, chunkBytes: 64 * 1024)
    }

    @Test(arguments: [1, 4097, 256 * 1024, 700_000])
    func digestsDoNotDependOnTheChunks(chunkBytes: Int) async throws {
        try await Self.check(2 * Self.mebibyte + 5, chunkBytes: max(chunkBytes, 100))
        try await Self.check(1000, chunkBytes: chunkBytes)
    }

    @Test(arguments: [0, 10, 2 * mebibyte + 1])
    func aBodyOfUnknownLengthIsDigestedToo(size: Int) async throws {
        try await Self.check(size, chunkBytes: 100_000, announced: false)
    }

    @Test func bodiesThatEndTogetherHaveTheirOwnDigests() async throws {
        try await withThrowingTaskGroup { group in
            let line = DigestLine()
            for number in 0..<40 {
                group.addTask {
                    let sample = SampleData.bytes(16 * 1024 + number * 997)
                    let meter = MeteredBody(limit: .max, line: line)
                    for try await _ in meter.stream(SampleData.stream(sample, chunkBytes: 10_007)).chunks {}
                    let digest = Insecure.MD5.hash(data: Array(sample.readableBytesView))
                    #expect(await meter.finish().md5 == Hexadecimal.encode(Array(digest)))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func aSmallBodyThatIsLongerThanAnnouncedIsRefused() async throws {
        let meter = MeteredBody(limit: .max, line: DigestLine())
        var body = SampleData.stream(SampleData.bytes(200_000), chunkBytes: 10_000)
        body = ByteStream(length: 100_000, chunks: body.chunks)
        let error = await #expect(throws: StorageError.self) { for try await _ in meter.stream(body).chunks {} }
        #expect(error?.code == .lengthMismatch)
    }

    @Test func aLargeBodyEndsAtTheLimit() async throws {
        let size = 3 * Self.mebibyte
        let meter = MeteredBody(limit: Int64(2 * Self.mebibyte), line: DigestLine())
        let error = await #expect(throws: StorageError.self) {
            for try await _ in meter.stream(SampleData.stream(size, chunkBytes: 64 * 1024)).chunks {}
        }
        #expect(error?.code == .tooLarge)
    }
}
