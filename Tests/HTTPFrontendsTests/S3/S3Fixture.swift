// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import MediaCore
import MediaTesting
import NIOCore
import WireFormats

@testable import HTTPFrontends

/// The S3 front-end over in-memory stores that can be told to fail, and a client that signs.
struct S3Fixture {
    static let credentials = RequestSigner.Credentials(accessKeyID: "AKTEST", secretAccessKey: "secret of the test")

    let metadata = InMemoryMetadataStore()
    let blobs: FaultyBlobStore
    let storage: Storage
    let frontend: S3Frontend

    /// - Parameters:
    ///   - silence: after which a completion begins to answer.
    ///   - beforeEachCall: of the blob store.
    init(
        silence: Duration = .seconds(60), beforeEachCall: (@Sendable (FaultyBlobStore.Call) async throws -> Void)? = nil
    ) async throws {
        blobs = FaultyBlobStore(InMemoryBlobStore(), beforeEachCall: beforeEachCall)
        let server = AccessCredential(
            id: AccessKeyID("AKTEST"), secret: "secret of the test",
            principal: Principal(
                role: "service_role", subject: nil, claims: JSONText(trusted: #"{"role":"service_role"}"#), token: ""))
        storage = Storage(
            configuration: .init(
                uploadLimits: UploadLimits(maxObjectBytes: 1 << 24),
                accessKeys: .init(masterKey: Array(repeating: 7, count: 32), server: server)),
            keys: try await KeyRing(secret: String(repeating: "s", count: 32)), metadata: metadata,
            blobs: SingleStore(store: blobs), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        storage.cache.apply(.tracking)
        frontend = S3Frontend(
            storage: storage, configuration: .init(anonymousKey: "anonymous", completionSilence: silence))
    }

    private struct SingleStore: BlobStoreDirectory {
        let store: any BlobStore
        let defaultBackend = BackendID.managed
        func store(for backend: BackendID) async throws -> any BlobStore { store }
    }

    private struct OneFrontend: HTTPResponder {
        typealias Context = MagpieRequestContext
        let frontend: S3Frontend
        func respond(to request: Request, context: Context) async throws -> Response {
            await frontend.respond(to: request, context: context) ?? Response(status: .notFound, headers: [.server: "nobody"])
        }
    }

    struct Answer {
        let status: Int
        let headers: HTTPFields
        let body: String

        func document() throws -> XMLTree { try XMLTree(parsing: ByteBuffer(string: body), limits: .init(bytes: 1 << 20)) }
        /// The code of an error's document.
        var code: String? { (try? document())?["Code"]?.text }
    }

    /// A request that is signed in its fields.
    static func signed(
        _ method: HTTPRequest.Method, _ target: String, host: String = "localhost", headers: HTTPFields = [:],
        now: Timestamp = .now()
    ) throws -> HTTPFields {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        var head = RequestHead(
            method: method.rawValue, path: parts[0], query: parts.count > 1 ? parts[1] : nil,
            fields: headers.map { NamedValue($0.name.canonicalName, $0.value) } + [NamedValue("host", host)])
        try RequestSigner(credentials: credentials, region: "us-east-1").sign(
            &head, payload: .unsigned, at: SigningTime(secondsSince1970: now.seconds))
        var fields: HTTPFields = [:]
        for field in head.fields where field.name != "host" { fields[.named(field.name)] = field.value }
        return fields
    }

    func call(
        _ method: HTTPRequest.Method, _ target: String, headers: HTTPFields = [:], body: String = ""
    ) async throws -> Answer {
        try await send(method, target, headers: try Self.signed(method, target, headers: headers), body: body)
    }

    /// A request as it is.
    func send(
        _ method: HTTPRequest.Method, _ target: String, headers: HTTPFields = [:], body: String = ""
    ) async throws -> Answer {
        var headers = headers
        headers[.contentLength] = String(body.utf8.count)
        let fields = headers
        let app = Application(
            responder: OneFrontend(frontend: frontend), configuration: .init(),
            logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
        return try await app.test(.router) { client in
            try await client.execute(uri: target, method: method, headers: fields, body: ByteBuffer(string: body)) {
                Answer(status: $0.status.code, headers: $0.headers, body: String(buffer: $0.body))
            }
        }
    }

    /// An upload with one part, and the document that completes it.
    func beginUpload(_ key: String = "box/key") async throws -> (target: String, document: String) {
        _ = try await call(.put, "/s3/box")
        let begun = try await call(.post, "/s3/\(key)?uploads")
        guard let id = try begun.document()["UploadId"]?.text else { throw TestFailure(begun.body) }
        let part = try await call(.put, "/s3/\(key)?partNumber=1&uploadId=\(id)", body: "the bytes")
        guard let eTag = part.headers[.eTag] else { throw TestFailure(part.body) }
        let document = """
            <CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\(eTag)</ETag></Part></CompleteMultipartUpload>
            """
        return ("/s3/\(key)?uploadId=\(id)", document)
    }
}
