// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import MediaTesting
import NIOCore
import Testing
import WireFormats

/// What is particular to S3, against services of others.
struct S3BlobStoreTests {
    private static let part = 5 << 20

    @Test(arguments: S3Peer.allCases, [0, 1, 5 << 20, (5 << 20) + 1, 17_000_000])
    func bodiesOfAnySizeComeBack(peer: S3Peer, size: Int) async throws {
        try await peer.withStore({ $0.limits.partBytes = Self.part }) { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(size))

            let info = try await store.put(SampleData.stream(bytes, chunkBytes: 100_000, announced: .nothing), at: key)

            #expect(info.size == Int64(size))
            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: S3Peer.allCases)
    func aLargeBodyThatFailsLeavesNothing(peer: S3Peer) async throws {
        try await peer.withStore({ $0.limits.partBytes = Self.part }) { store in
            let key = freshKey()
            let body = SampleData.stream(SampleData.bytes(16_000_000), chunkBytes: 100_000, failingAfter: 14_000_000)

            await #expect(throws: SampleFailure.self) { try await store.put(body, at: key) }

            #expect(await errorCode { _ = try await store.info(key) } == .blobMissing)
            let left = try await store.sweepUnfinished(before: .now().adding(seconds: 3600))
            #expect(left == 0)
        }
    }

    @Test(arguments: S3Peer.allCases)
    func aLargeKeyThatIsTakenKeepsItsBytes(peer: S3Peer) async throws {
        try await peer.withStore({ $0.limits.partBytes = Self.part }) { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(100))
            _ = try await store.put(ByteStream(bytes), at: key)
            let large = SampleData.stream(SampleData.bytes(12_000_000), chunkBytes: 100_000)

            #expect(await errorCode { _ = try await store.put(large, at: key) } == .internal)

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: S3Peer.allCases)
    func largePartsBecomeOneBlob(peer: S3Peer) async throws {
        try await peer.withStore({ $0.limits.partBytes = Self.part }) { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(2 * Self.part + 1000))
            let id = try await store.beginMultipart(at: key)
            var parts: [BlobPart] = []
            for (index, start) in stride(from: 0, to: bytes.readableBytes, by: Self.part).enumerated() {
                let piece = try #require(bytes.getSlice(at: start, length: min(Self.part, bytes.readableBytes - start)))
                parts.append(try await store.putPart(ByteStream(piece), as: PartNumber(index + 1), of: id, at: key))
            }

            let info = try await store.completeMultipart(id, at: key, parts: parts)
            try await store.abortMultipart(id, at: key)

            #expect(info.size == Int64(bytes.readableBytes))
            #expect(try await store.info(key).size == info.size)
            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: [S3Peer.seaweedfs, .moto])
    func aBlobThatIsTooLargeForOneCopyIsCopiedInPieces(peer: S3Peer) async throws {
        try await peer.withStore({
            $0.limits.partBytes = Self.part
            $0.copyBytes = Int64(Self.part)
        }) { store in
            let (key, copy, bytes) = (freshKey(), freshKey(), SampleData.bytes(12_000_000))
            _ = try await store.put(ByteStream(bytes), at: key)

            #expect(try await store.copy(key, to: copy).size == 12_000_000)

            #expect(try await store.get(copy, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: S3Peer.allCases)
    func manyBlobsAreDeletedAtOnce(peer: S3Peer) async throws {
        try await peer.withStore { store in
            let keys = (0..<30).map { _ in freshKey() }
            for key in keys { _ = try await store.put(ByteStream(SampleData.bytes(3)), at: key) }

            try await store.delete(keys + (0..<1200).map { _ in freshKey() })

            #expect(try await store.list(prefix: "", after: nil, limit: 10).blobs.isEmpty)
        }
    }

    @Test(arguments: S3Peer.allCases)
    func aStoreIsFoundAgainAndKnowsItsDatabase(peer: S3Peer) async throws {
        let configuration = try await peer.configuration()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        #expect(
            await errorCode { _ = try await RemoteBlobStore.open(configuration, create: false, logger: logger) } == .notConfigured
        )
        let first = try await RemoteBlobStore.open(configuration, create: true, logger: logger)
        #expect(first.databaseID == nil)
        try await first.belong(to: "a-database")
        try await first.close()

        let second = try await RemoteBlobStore.open(configuration, create: false, logger: logger)

        #expect(second.id == first.id)
        #expect(second.databaseID == "a-database")
        try await second.close()
    }

    @Test(arguments: S3Peer.allCases)
    func aBucketThatIsNotThereIsSaidSo(peer: S3Peer) async throws {
        var configuration = try await peer.configuration()
        configuration.bucket = "no-such-bucket-\(UUID().uuidString.prefix(8).lowercased())"
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

        #expect(
            await errorCode { _ = try await RemoteBlobStore.open(configuration, create: false, logger: logger) } == .notConfigured
        )
    }

    @Test(arguments: [S3Peer.seaweedfs, .rclone])
    func aWrongSecretIsRefusedAndNotRepeated(peer: S3Peer) async throws {
        let configuration = try await peer.configuration {
            $0.credentials = .init(accessKeyID: "AKIDEXAMPLEPEER00001", secretAccessKey: "not-the-secret")
        }
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        do {
            _ = try await RemoteBlobStore.open(configuration, create: true, logger: logger)
            Issue.record("opened")
        } catch let error as StorageError {
            #expect(error.code == .backendUnavailable)
            #expect(!error.isRetryable)
            #expect(!"\(error)".contains("not-the-secret"))
        }
    }
}
