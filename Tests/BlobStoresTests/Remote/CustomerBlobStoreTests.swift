// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import FoundationNetworking
import MediaCore
import MediaTesting
import NIOCore
import NIOHTTP1
import Testing

/// Stores in a bucket of somebody else's, and requests that clients send to a service themselves.
struct CustomerBlobStoreTests {
    enum Peer: String, CaseIterable, Sendable {
        case seaweedfs, rclone, moto, swift, azure, azureSignature, gcs

        func store() async throws -> CustomerBlobStore {
            let limits = RemoteLimits(inlineReadBytes: 1024)
            if let peer = S3Peer(rawValue: rawValue) {
                return CustomerBlobStore(try await peer.configuration { $0.limits = limits })
            }
            if self == .gcs { return CustomerBlobStore(try await CloudPeer.gcs.gcs(limits: limits)) }
            return CustomerBlobStore(
                try await (self == .azure ? CloudPeer.azure : .azureSignature).azure(limits: limits))
        }

        func withStore(_ body: (CustomerBlobStore) async throws -> Void) async throws {
            let store = try await store()
            do {
                try await body(store)
            } catch {
                try await store.close()
                throw error
            }
            try await store.close()
        }
    }

    @Test(arguments: ServiceKind.allCases)
    func makingAStoreAsksNothing(kind: ServiceKind) async throws {
        try await ScriptedService.with { _ in
            .answer(.internalServerError)
        } _: { service in
            let store = try kind.store(at: try service.endpoint)
            try await store.close()
            #expect(service.requests.isEmpty && service.openConnections == 0)
        }
    }

    @Test(arguments: Peer.allCases, ["photos/2026/a.jpg", "a b+c&d=e/ä#?%25.jpg"])
    func aKeyIsTheBucketsOwn(peer: Peer, name: String) async throws {
        try await peer.withStore { store in
            let folder = UUID().uuidString
            let (key, copy, bytes) = (BlobKey("\(folder)/\(name)"), BlobKey("\(folder)/copy"), SampleData.bytes(5000))

            _ = try await store.put(ByteStream(bytes), at: key)

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
            #expect(try await store.get(key, range: .last(7)).stream().collected() == bytes.getSlice(at: 4993, length: 7))
            #expect(try await store.info(key).size == 5000)
            #expect(try await store.copy(key, to: copy).size == 5000)
            #expect(try await store.list(prefix: "\(folder)/", after: nil, limit: 10).blobs.map(\.key).contains(key))
            try await store.delete([key])
            #expect(await errorCode { _ = try await store.get(key, range: nil) } == .blobMissing)
            #expect(try await store.get(copy, range: nil).stream().collected() == bytes)
            try await store.delete([copy])
            // No marker, no probes: what was put is all that there was.
            #expect(try await store.list(prefix: "\(folder)/", after: nil, limit: 10).blobs.isEmpty)
        }
    }

    @Test(arguments: [Peer.seaweedfs, .swift, .azure, .gcs])
    func aKeyThatIsTakenKeepsItsBytes(peer: Peer) async throws {
        try await peer.withStore { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(100))
            _ = try await store.put(ByteStream(bytes), at: key)

            #expect(await errorCode { _ = try await store.put(ByteStream(SampleData.bytes(9)), at: key) } == .internal)

            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
            try await store.delete([key])
        }
    }

    @Test func partsAreRefused() async throws {
        try await Peer.azure.withStore { store in
            #expect(await errorCode { _ = try await store.beginMultipart(at: freshKey()) } == .unsupported)
            try await store.abortMultipart(MultipartID("x"), at: freshKey())
            #expect(try await store.sweepUnfinished(before: .now()) == 0)
        }
    }

    // MARK: Direct access

    private static func send(_ request: DirectRequest, _ body: ByteBuffer? = nil) async throws -> (Data, HTTPURLResponse) {
        var sent = URLRequest(url: try #require(URL(string: request.url)))
        sent.httpMethod = request.method
        for (name, value) in request.fields { sent.setValue(value, forHTTPHeaderField: name) }
        if let body { sent.httpBody = Data(body.readableBytesView) }
        let (data, response) = try await URLSession.shared.data(for: sent)
        return (data, try #require(response as? HTTPURLResponse))
    }

    @Test(arguments: [Peer.seaweedfs, .rclone, .swift, .azure, .gcs])
    func aBlobIsReadFromTheServiceItself(peer: Peer) async throws {
        try await peer.withStore { store in
            let (key, bytes) = (BlobKey("\(UUID().uuidString)/a b.jpg"), SampleData.bytes(5000))
            _ = try await store.put(ByteStream(bytes), at: key)

            let request = try await store.directDownload(
                of: key, for: 60, as: .init(mediaType: "image/x-test", disposition: "attachment; filename=\"x y.jpg\""))
            let (data, answer) = try await Self.send(request)

            #expect(answer.statusCode == 200 && ByteBuffer(bytes: data) == bytes)
            if peer != .rclone {
                #expect(answer.value(forHTTPHeaderField: "content-type") == "image/x-test")
                #expect(answer.value(forHTTPHeaderField: "content-disposition") == "attachment; filename=\"x y.jpg\"")
            }
            var other = request
            other.url = request.url.replacingOccurrences(of: "b.jpg", with: "c.jpg")
            #expect(try await Self.send(other).1.statusCode == 403)
            try await store.delete([key])
        }
    }

    @Test(arguments: [Peer.seaweedfs, .azure, .gcs])
    func aBlobIsWrittenToTheServiceItselfOnce(peer: Peer) async throws {
        try await peer.withStore { store in
            let (key, bytes) = (freshKey(), SampleData.bytes(5000))

            let request = try await store.directUpload(to: key, length: 5000, mediaType: "image/jpeg", for: 60)
            let first = try await Self.send(request, bytes).1.statusCode
            let second = try await Self.send(request, SampleData.bytes(5000, seed: 2)).1.statusCode

            #expect((200...201).contains(first))
            #expect([403, 409, 412].contains(second))
            #expect(try await store.get(key, range: nil).stream().collected() == bytes)
            try await store.delete([key])
        }
    }

    @Test func aSignatureOfSomebodyElsesGrantsNothingToOthers() async throws {
        try await Peer.azureSignature.withStore { store in
            #expect(await errorCode { _ = try await store.directDownload(of: freshKey(), for: 60, as: .init()) } == .unsupported)
        }
    }

    @Test(arguments: ServiceKind.allCases, [0, -1, 604_801] as [Int64])
    func aRequestIsGoodForAWeekAtMost(kind: ServiceKind, seconds: Int64) async throws {
        let store = try kind.store(at: try #require(ServiceEndpoint("http://127.0.0.1:1")))
        #expect(
            await errorCode { _ = try await store.directDownload(of: freshKey(), for: seconds, as: .init()) }
                == .invalidParameter)
        try await store.close()
    }

    // MARK: Damage

    @Test(arguments: ServiceKind.allCases)
    func bytesThatChangedOnTheirWayAreAnError(kind: ServiceKind) async throws {
        let content = ByteBuffer(repeating: 7, count: 5000)
        let fields: [(String, String)] =
            switch kind {
            case .s3: [("etag", "\"1\""), ("x-amz-checksum-crc32c", "AAAAAA==")]
            case .azure: [("etag", "\"1\""), ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")]
            case .gcs: [("x-goog-generation", "1"), ("x-goog-hash", "crc32c=AAAAAA==,md5=XUFAKrxLKna5cZ2REBfFkg==")]
            }
        try await ScriptedService.with { request in
            request.target == "/token"
                ? .answer(.ok, [], #"{"access_token":"a-token","expires_in":3599}"#) : .bytes(.ok, fields, content)
        } _: { service in
            let store = try kind.store(at: try service.endpoint)
            let stream = try await store.get(BlobKey("k"), range: nil).stream()
            #expect(await errorCode { _ = try await stream.collected() } == .backendUnavailable)
            try await store.close()
        }
    }
}
