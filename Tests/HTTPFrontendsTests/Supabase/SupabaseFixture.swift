// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPFrontends
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import MediaCore
import MediaTesting
import NIOCore

/// The Supabase dialect over the core and in-memory stores, asked through the HTTP responder.
struct SupabaseFixture {
    static let secret = "a-secret-for-tests-of-32-characters"
    static let alice = "11111111-1111-4111-8111-111111111111"

    let metadata: InMemoryMetadataStore
    let blobs: InMemoryBlobStore
    let storage: Storage
    let hotReads = HotReads()
    let service: String
    let anonymous: String
    let user: String
    private let responder: OneFrontend

    init(limit: Int64 = 1 << 20, configure: (InMemoryMetadataStore) -> Void = { _ in }) async throws {
        let keys = try await KeyRing(secret: Self.secret)
        metadata = InMemoryMetadataStore()
        blobs = InMemoryBlobStore()
        configure(metadata)
        storage = Storage(
            configuration: .init(uploadLimits: UploadLimits(maxObjectBytes: limit)), keys: keys, metadata: metadata,
            blobs: SingleStore(store: blobs), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        storage.cache.apply(.tracking)
        service = try keys.sign(JSONText(trusted: #"{"role":"service_role"}"#))
        anonymous = try keys.sign(JSONText(trusted: #"{"role":"anon"}"#))
        user = try keys.sign(JSONText(trusted: #"{"role":"authenticated","sub":"\#(Self.alice)"}"#))
        responder = OneFrontend(
            frontend: SupabaseFrontend(storage: storage, configuration: .init(version: "1.2.3"), hotReads: hotReads))
    }

    private struct OneFrontend: HTTPResponder {
        typealias Context = MagpieRequestContext
        let frontend: SupabaseFrontend
        func respond(to request: Request, context: Context) async throws -> Response {
            await frontend.respond(to: request, context: context) ?? Response(status: .notFound, headers: [.server: "nobody"])
        }
    }

    private struct SingleStore: BlobStoreDirectory {
        let store: any BlobStore
        let defaultBackend = BackendID.managed
        func store(for backend: BackendID) async throws -> any BlobStore { store }
    }

    /// An answer, read to its end.
    struct Answer {
        let status: Int
        let headers: HTTPFields
        let body: String

        func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(body.utf8), options: .fragmentsAllowed) }
        func object() throws -> [String: Any] { try json() as? [String: Any] ?? [:] }
        func objects() throws -> [[String: Any]] { try json() as? [[String: Any]] ?? [] }
        /// HTTP status and the body's own status and error: what tests of this dialect compare.
        var refusal: [String] {
            let fields = (try? object()) ?? [:]
            return [String(status), fields["statusCode"] as? String ?? "-", fields["error"] as? String ?? "-"]
        }
        var message: String? { (try? object())?["message"] as? String }
    }

    func send(
        _ method: HTTPRequest.Method, _ target: String, token: String?, headers: HTTPFields = [:], body: String? = nil
    ) async throws -> Answer {
        var headers = headers
        if let token { headers[.authorization] = "Bearer \(token)" }
        if let body, headers[.contentLength] == nil { headers[.contentLength] = String(body.utf8.count) }
        let fields = headers
        let app = Application(
            responder: responder, configuration: .init(), logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
        return try await app.test(.router) { client in
            try await client.execute(uri: target, method: method, headers: fields, body: body.map { ByteBuffer(string: $0) }) {
                Answer(status: $0.status.code, headers: $0.headers, body: String(buffer: $0.body))
            }
        }
    }

    /// A call with a JSON body, as the service unless told otherwise.
    func call(_ method: HTTPRequest.Method, _ target: String, _ json: String? = nil, as token: String? = nil) async throws
        -> Answer
    {
        try await send(
            method, target, token: token ?? service, headers: json == nil ? [:] : [.contentType: "application/json"], body: json)
    }

    @discardableResult
    func makeBucket(_ name: String = "b", _ more: String = "") async throws -> Answer {
        try await call(.post, "/bucket", #"{"name":"\#(name)"\#(more)}"#)
    }

    @discardableResult
    func upload(
        _ text: String, to target: String = "/object/b/a.txt", method: HTTPRequest.Method = .post, type: String = "text/plain",
        headers: HTTPFields = [:], as token: String? = nil
    ) async throws -> Answer {
        var headers = headers
        headers[.contentType] = type
        return try await send(method, target, token: token ?? service, headers: headers, body: text)
    }

    func get(_ target: String, headers: HTTPFields = [:], as token: String? = nil) async throws -> Answer {
        try await send(.get, target, token: token ?? service, headers: headers)
    }

    func getWithoutToken(_ method: HTTPRequest.Method = .get, _ target: String, headers: HTTPFields = [:]) async throws -> Answer
    {
        try await send(method, target, token: nil, headers: headers)
    }
}

extension HTTPField.Name {
    static func named(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure(name) }
        return field
    }
}
