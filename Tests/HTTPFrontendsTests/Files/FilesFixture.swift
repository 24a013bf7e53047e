// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import MediaCore
import MediaTesting
import NIOCore

@testable import HTTPFrontends

/// bkend's interface and its store, over in-memory stores, with one project and its keys.
struct FilesFixture {
    static let password = "correct horse"

    let storage: Storage
    let keys: ProjectSecrets
    private let responder: Dialects

    init(_ envelope: FilesEnvelope = .wrapped, isPublic: Bool = false) async throws {
        let ring = try await KeyRing(secret: SupabaseFixture.secret)
        storage = Storage(
            configuration: .init(
                uploadLimits: UploadLimits(maxObjectBytes: 1 << 20), uploadsPerMinute: 0,
                accounts: .init(cost: PasswordCost(logarithm: 10, blockSize: 8, parallelism: 1), attempts: 0)),
            keys: ring, metadata: InMemoryMetadataStore(), blobs: SingleStore(store: InMemoryBlobStore()), logger: Self.silent)
        storage.cache.apply(.tracking)
        keys = try await storage.projects.create(.init(name: "shop", isPublic: isPublic)).secrets
        responder = Dialects(frontends: [
            FilesAPIFrontend(
                storage: storage,
                configuration: .init(envelope: envelope, origin: PublicOrigin(url: "https://files.example", isTLS: true))),
            FilesFrontend(storage: storage, hotReads: HotReads()),
        ])
    }

    private static let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private struct Dialects: HTTPResponder {
        typealias Context = MagpieRequestContext
        let frontends: [any Frontend]
        func respond(to request: Request, context: Context) async throws -> Response {
            for frontend in frontends {
                if let response = await frontend.respond(to: request, context: context) { return response }
            }
            return Response(status: .notFound, headers: [.server: "nobody"])
        }
    }

    private struct SingleStore: BlobStoreDirectory {
        let store: any BlobStore
        let defaultBackend = BackendID.managed
        func store(for backend: BackendID) async throws -> any BlobStore { store }
    }

    /// Sends a request with a key of the project, and a token where somebody is signed in.
    func send(
        _ method: HTTPRequest.Method, _ target: String, _ body: String? = nil, key: String? = nil, token: String? = nil
    ) async throws -> SupabaseFixture.Answer {
        var headers: HTTPFields = [.xAPIKey: key ?? keys.publishableKey]
        if let token { headers[.authorization] = "Bearer \(token)" }
        if let body { headers[.contentLength] = String(body.utf8.count) }
        let fields = headers
        let app = Application(responder: responder, configuration: .init(), logger: Self.silent)
        return try await app.test(.router) { client in
            try await client.execute(uri: target, method: method, headers: fields, body: body.map { ByteBuffer(string: $0) }) {
                SupabaseFixture.Answer(status: $0.status.code, headers: $0.headers, body: String(buffer: $0.body))
            }
        }
    }

    /// The access token of somebody who signs up.
    func signUp(_ name: String) async throws -> String {
        let body = #"{"method":"password","email":"\#(name)@example.com","password":"\#(Self.password)"}"#
        return try await data(send(.post, "/v1/auth/email/signup", body))["accessToken"] as? String ?? ""
    }

    /// The data of an answer of the envelope that wraps.
    func data(_ answer: SupabaseFixture.Answer) throws -> [String: Any] { try answer.object()["data"] as? [String: Any] ?? [:] }

    /// A registered file of somebody.
    func upload(_ text: String, _ visibility: FileVisibility, token: String?, key: String? = nil) async throws -> [String: Any] {
        let announced = try await data(
            send(
                .post, "/v1/files/presigned-url",
                #"{"filename":"a.txt","contentType":"text/plain","visibility":"\#(visibility.rawValue)"}"#, key: key, token: token
            ))
        let url = (announced["url"] as? String ?? "").replacing("https://files.example", with: "")
        _ = try await send(.put, url, text)
        let s3Key = announced["key"] as? String ?? ""
        return try await data(
            send(
                .post, "/v1/files",
                #"{"s3Key":"\#(s3Key)","originalName":"a.txt","mimeType":"text/plain","size":\#(text.utf8.count)}"#, key: key,
                token: token))
    }

    func code(_ answer: SupabaseFixture.Answer) throws -> String? {
        (try answer.object()["error"] as? [String: Any])?["code"] as? String
    }
}
