// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import MediaTesting
import NIOCore
import Testing

/// What is particular to Azure and to Google's storage.
struct CloudBlobStoreTests {
    private static let part = 5 << 20

    @Test(arguments: CloudPeer.allCases, [0, 1, 5 << 20, (5 << 20) + 1, 17_000_000])
    func bodiesOfAnySizeComeBack(peer: CloudPeer, size: Int) async throws {
        try await peer.withStore({ $0.partBytes = Self.part }) { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(size))

            let info = try await store.put(SampleData.stream(bytes, chunkBytes: 100_000, announced: .nothing), at: key)

            #expect(info.size == Int64(size))
            #expect(try await store.info(key).size == Int64(size))
            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: CloudPeer.allCases)
    func aLargeBodyThatFailsLeavesNothing(peer: CloudPeer) async throws {
        try await peer.withStore({ $0.partBytes = Self.part }) { store in
            let key = freshKey()
            let body = SampleData.stream(SampleData.bytes(16_000_000), chunkBytes: 100_000, failingAfter: 14_000_000)

            await #expect(throws: SampleFailure.self) { try await store.put(body, at: key) }

            #expect(await errorCode { _ = try await store.info(key) } == .blobMissing)
        }
    }

    @Test(arguments: CloudPeer.allCases)
    func aLargeKeyThatIsTakenKeepsItsBytes(peer: CloudPeer) async throws {
        try await peer.withStore({ $0.partBytes = Self.part }) { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(100))
            _ = try await store.put(ByteStream(bytes), at: key)
            let large = SampleData.stream(SampleData.bytes(12_000_000), chunkBytes: 100_000)

            #expect(await errorCode { _ = try await store.put(large, at: key) } == .internal)

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: CloudPeer.allCases)
    func largePartsBecomeOneBlob(peer: CloudPeer) async throws {
        try await peer.withStore({ $0.partBytes = Self.part }) { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(2 * Self.part + 1000))
            let id = try await store.beginMultipart(at: key)
            var parts: [BlobPart] = []
            for (index, start) in stride(from: 0, to: bytes.readableBytes, by: Self.part).enumerated() {
                let piece = try #require(bytes.getSlice(at: start, length: min(Self.part, bytes.readableBytes - start)))
                parts.append(try await store.putPart(ByteStream(piece), as: PartNumber(index + 1), of: id, at: key))
            }

            _ = try await store.completeMultipart(id, at: key, parts: parts)
            try await store.abortMultipart(id, at: key)

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: [CloudPeer.azure, .gcs])
    func moreSegmentsThanOneCompositionTakesBecomeOneBlob(peer: CloudPeer) async throws {
        try await peer.withStore { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(70 * 100))
            let id = try await store.beginMultipart(at: key)
            var part = BlobPart(number: try PartNumber(1), size: 0, tag: "")
            for index in 0..<70 {
                let piece = try #require(bytes.getSlice(at: index * 100, length: 100))
                part = try await store.appendPart(ByteStream(piece), to: part, takingOver: false, of: id, at: key)
            }

            _ = try await store.completeMultipart(id, at: key, parts: [part])

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
            try await store.abortMultipart(id, at: key)
            try await store.visitUnfinishedMultiparts(before: .now().adding(seconds: 3600), batch: 10) { left in
                Issue.record("\(left.count) left behind")
            }
        }
    }

    @Test(arguments: CloudPeer.allCases)
    func aLargeBlobIsCopiedWhole(peer: CloudPeer) async throws {
        try await peer.withStore({ $0.partBytes = Self.part }) { store in
            let (key, copy, bytes) = (freshKey(), freshKey(), SampleData.bytes(12_000_000))
            _ = try await store.put(ByteStream(bytes), at: key)

            #expect(try await store.copy(key, to: copy).size == 12_000_000)

            #expect(try await store.get(copy, range: nil).stream().collected() == bytes)
        }
    }

    @Test(arguments: CloudPeer.allCases)
    func manyBlobsAreDeletedAtOnce(peer: CloudPeer) async throws {
        try await peer.withStore { store in
            let keys = (0..<40).map { _ in freshKey() }
            for key in keys { _ = try await store.put(ByteStream(SampleData.bytes(3)), at: key) }

            try await store.delete(keys + (0..<60).map { _ in freshKey() })

            #expect(try await store.list(prefix: "", after: nil, limit: 10).blobs.isEmpty)
        }
    }

    @Test(arguments: CloudPeer.allCases)
    func aStoreIsFoundAgainAndKnowsItsDatabase(peer: CloudPeer) async throws {
        let prefix = "\(UUID().uuidString)/"
        #expect(await errorCode { _ = try await peer.open(prefix: prefix, create: false) } == .notConfigured)
        let first = try await peer.open(prefix: prefix, create: true)
        #expect(first.databaseID == nil)
        try await first.belong(to: "a-database")
        try await first.close()

        let second = try await peer.open(prefix: prefix, create: false)

        #expect(second.id == first.id)
        #expect(second.databaseID == "a-database")
        try await second.close()
    }

    @Test(arguments: [CloudPeer.azure, .gcs])
    func aBucketThatIsNotThereIsSaidSo(peer: CloudPeer) async throws {
        #expect(
            await errorCode { _ = try await peer.open(prefix: "x/", create: false, bucket: "no-such-bucket") } == .notConfigured)
    }

    @Test func aWrongAccountKeyIsRefusedAndNotRepeated() async throws {
        let peer = CloudPeer.azure
        let secret = Data("not the account's key at all".utf8).base64EncodedString()
        let settings = "BlobEndpoint=\(try await peer.process.url);AccountName=\(CloudPeer.account);AccountKey=\(secret)"
        let store = CustomerBlobStore(try AzureConfiguration(connectionString: settings, container: CloudPeer.bucket))
        do {
            _ = try await store.info(freshKey())
            Issue.record("answered")
        } catch let error as StorageError {
            #expect(error.code == .backendUnavailable)
            #expect(!error.isRetryable)
            #expect(!"\(error)".contains(secret))
        }
        try await store.close()
    }

    @Test func aKeyThatGoogleDoesNotKnowIsRefused() async throws {
        let url = try await CloudPeer.gcs.process.url
        let key = try ServiceAccountKey(json: try TestServiceAccount.json(tokenURL: "\(url)/token"))
        let store = CustomerBlobStore(
            GCSConfiguration(endpoint: try #require(ServiceEndpoint(url)), bucket: CloudPeer.bucket, key: key))
        do {
            _ = try await store.info(freshKey())
            Issue.record("answered")
        } catch let error as StorageError {
            #expect(error.code == .backendUnavailable)
            #expect(!error.isRetryable)
        }
        try await store.close()
    }

    @Test(arguments: [
        (
            "DefaultEndpointsProtocol=https;AccountName=photos;AccountKey=YQ==;EndpointSuffix=core.windows.net",
            "photos.blob.core.windows.net"
        ),
        ("AccountName=photos;AccountKey=YQ==", "photos.blob.core.windows.net"),
        ("BlobEndpoint=https://cdn.example.com/;SharedAccessSignature=?sv=1&sig=x", "cdn.example.com"),
        ("accountname = photos ; accountkey = YQ== ; EndpointSuffix=core.chinacloudapi.cn;", "photos.blob.core.chinacloudapi.cn"),
    ])
    func aConnectionStringNamesItsHost(text: String, host: String) throws {
        let configuration = try AzureConfiguration(connectionString: text, container: "c")
        #expect(configuration.hosts == [host])
        #expect(!"\(configuration.credentials)".contains("YQ==") && !"\(configuration.credentials)".contains("sig=x"))
    }

    @Test(arguments: [
        ("", AzureConfiguration.ConnectionStringError.noEndpoint),
        ("AccountName=photos", .noCredentials),
        ("AccountName=photos;AccountKey=%%%", .malformedKey),
        ("BlobEndpoint=ftp://x;SharedAccessSignature=sv", .noEndpoint),
        ("BlobEndpoint=https://user:secret@x;SharedAccessSignature=sv", .noEndpoint),
    ])
    func aConnectionStringThatSaysTooLittleIsRefused(text: String, reason: AzureConfiguration.ConnectionStringError) {
        #expect(throws: reason) { try AzureConfiguration(connectionString: text, container: "c") }
    }

    @Test(arguments: [
        ("", ServiceAccountKey.KeyError.malformed),
        (#"{"client_email":"a@b","private_key":"x"}"#, .unusablePrivateKey),
        (#"{"type":"authorized_user","client_email":"a@b","private_key":"x"}"#, .notAServiceAccount),
    ])
    func aKeyFileThatIsNoneIsRefused(text: String, reason: ServiceAccountKey.KeyError) {
        #expect(throws: reason) { try ServiceAccountKey(json: text) }
    }
}
