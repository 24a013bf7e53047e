// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// The kinds of services, each with a store in a bucket `b` of a service that a test scripts.
enum ServiceKind: String, CaseIterable, Sendable {
    case s3, azure, gcs

    static let limits = RemoteLimits(
        inlineReadBytes: 16, connections: 2, connectTimeout: .milliseconds(400), answerTimeout: .milliseconds(400),
        idleTimeout: .milliseconds(400),
        retries: .init(attempts: 3, firstPause: .milliseconds(1), longestPause: .milliseconds(5), deadline: .seconds(60)))

    /// Asks nothing of the service.
    func store(at endpoint: ServiceEndpoint) throws -> CustomerBlobStore {
        switch self {
        case .s3:
            let credentials = RequestSigner.Credentials(accessKeyID: "id", secretAccessKey: "a-secret-of-the-test")
            return CustomerBlobStore(
                S3Configuration(endpoint: endpoint, bucket: "b", credentials: credentials, limits: Self.limits))
        case .azure:
            let settings = "BlobEndpoint=\(endpoint);AccountName=account;AccountKey=YS1zZWNyZXQtb2YtdGhlLXRlc3Q="
            return CustomerBlobStore(
                try AzureConfiguration(connectionString: settings, container: "b", limits: Self.limits))
        case .gcs:
            let key = try ServiceAccountKey(json: try TestServiceAccount.json(tokenURL: "\(endpoint)/token"))
            return CustomerBlobStore(GCSConfiguration(endpoint: endpoint, bucket: "b", key: key, limits: Self.limits))
        }
    }

    func refusal(_ status: HTTPResponseStatus, _ code: String, _ message: String = "") -> ScriptedService.Action {
        switch self {
        case .s3: .answer(status, [], "<Error><Code>\(code)</Code></Error>")
        case .azure: .answer(status, [("x-ms-error-code", code)])
        case .gcs:
            .answer(
                status, [],
                #"{"error":{"code":\#(status.code),"message":"\#(message)","errors":[{"reason":"\#(code)"}]}}"#)
        }
    }
}

/// What can go wrong with a service, or with the way to it.
enum Outage: String, CaseIterable, Sendable {
    case wrongKey, deletedBucket, refusedConnection, blackHole, unavailable, halfClosedBody, slowDrip

    /// Whether the same call may succeed later, without anybody's doing.
    var passes: Bool { ![.wrongKey, .deletedBucket].contains(self) }

    /// What becomes of a request. Nil where no service is there to answer.
    func action(_ request: ScriptedService.Request, _ kind: ServiceKind) -> ScriptedService.Action {
        if request.target == "/token" {
            return self == .wrongKey
                ? .answer(.badRequest, [], #"{"error":"invalid_grant"}"#)
                : .answer(.ok, [], #"{"access_token":"a-token","expires_in":3599}"#)
        }
        switch self {
        case .wrongKey:
            return kind.refusal(.forbidden, kind == .azure ? "AuthenticationFailed" : "SignatureDoesNotMatch")
        case .deletedBucket:
            switch kind {
            case .s3: return kind.refusal(.notFound, "NoSuchBucket")
            case .azure: return kind.refusal(.notFound, "ContainerNotFound")
            case .gcs: return kind.refusal(.notFound, "notFound", "The specified bucket does not exist.")
            }
        case .unavailable: return kind.refusal(.serviceUnavailable, "ServerBusy")
        case .halfClosedBody:
            let (status, fields, size) = Self.object(request)
            return .breakOff(status, fields, ByteBuffer(repeating: 0x20, count: size), after: 100)
        case .slowDrip:
            let (status, fields, size) = Self.object(request)
            return .drip(status, fields, size)
        case .refusedConnection, .blackHole: return .close
        }
    }
}

extension Outage {
    /// Begins as the answer with an object of 5000 bytes, or with those from where the request says on.
    private static func object(
        _ request: ScriptedService.Request
    ) -> (HTTPResponseStatus, [(String, String)], Int) {
        let fields = [("etag", "\"1\""), ("x-goog-generation", "1")]
        let range = request.headers.first(name: "range") ?? request.headers.first(name: "x-ms-range")
        guard let start = range.flatMap({ Int($0.dropFirst("bytes=".count).prefix { $0 != "-" }) }) else {
            return (.ok, fields, 5000)
        }
        return (.partialContent, fields + [("content-range", "bytes \(start)-4999/5000")], 5000 - start)
    }
}

/// What is done with a store.
enum StoreCall: String, CaseIterable, Sendable {
    case put, get, list, delete

    func perform(on store: CustomerBlobStore) async throws {
        let key = BlobKey("photos/a.jpg")
        switch self {
        case .put: _ = try await store.put(ByteStream(ByteBuffer(repeating: 7, count: 5000)), at: key)
        case .get:
            let content = try await store.get(key, range: nil)
            for try await _ in content.stream().chunks {}
        case .list: _ = try await store.list(prefix: "", after: nil, limit: 10)
        case .delete: try await store.delete([key])
        }
    }
}
