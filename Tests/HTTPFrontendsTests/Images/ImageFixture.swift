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

/// Every dialect that delivers images, over in-memory stores and a processor that says what it was asked to do.
struct ImageFixture {
    /// Its images are the canonical texts of their transforms.
    struct Processor: ImageProcessor {
        let revision = "test"
        let parallelism = 2

        func render(_ source: ByteBuffer, _ recipe: ImageRecipe) async throws -> RenderedImage {
            guard String(buffer: source).hasPrefix("image") else {
                throw StorageError(.unreadableImage, "It begins with other bytes")
            }
            let type =
                switch recipe.transform.format {
                case .fixed(let format): format.mediaType
                case .information: "application/json"
                default: ImageFormat.jpeg.mediaType
                }
            return RenderedImage(body: ByteBuffer(string: recipe.transform.description), mediaType: type)
        }

        func inspect(_ source: ByteBuffer, deadline: NIODeadline) async throws -> ImageFacts {
            ImageFacts(format: "jpeg", width: 1, height: 1, hasAlpha: false)
        }

        func sanitized(_ svg: ByteBuffer, deadline: NIODeadline) async throws -> ByteBuffer { svg }
    }

    let storage: Storage
    let metadata = InMemoryMetadataStore()
    let service: String
    private let responder: Dialects

    /// A public bucket `shop` and a private one `vault`, each with the same images.
    init(processor: (any ImageProcessor)? = Processor()) async throws {
        let keys = try await KeyRing(secret: SupabaseFixture.secret)
        storage = Storage(
            configuration: .init(
                uploadLimits: UploadLimits(maxObjectBytes: 1 << 20),
                accessKeys: .init(masterKey: [UInt8](repeating: 7, count: 32), server: nil)),
            keys: keys, metadata: metadata, blobs: SingleStore(store: InMemoryBlobStore()), processor: processor,
            logger: Self.silent)
        storage.cache.apply(.tracking)
        service = try keys.sign(JSONText(trusted: #"{"role":"service_role"}"#))
        responder = Dialects(frontends: [
            SupabaseFrontend(storage: storage, configuration: .init(version: "1"), hotReads: HotReads()),
            FilesFrontend(storage: storage, hotReads: HotReads()),
            PixaultDeliveryFrontend(
                storage: storage, origin: PublicOrigin(url: "https://img.example", isTLS: true), hotReads: HotReads()),
        ])
        _ = try await send(.post, "/bucket", json: #"{"name":"shop","public":true}"#)
        _ = try await send(.post, "/bucket", json: #"{"name":"vault"}"#)
        for bucket in ["shop", "vault"] {
            for key in ["cat.jpg", "img_01", "photos/dog.png", "plain"] { try await put("image \(key)", bucket, key) }
            try await put("text", bucket, "notes.txt", type: "text/plain")
        }
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

    func put(_ text: String, _ bucket: String, _ key: String, type: String = "image/jpeg") async throws {
        let answer = try await send(
            .post, "/object/\(bucket)/\(key)", token: service, headers: [.contentType: type], body: text)
        guard answer.status == 200 else { throw Refused(answer: answer.body) }
    }

    private struct Refused: Error { let answer: String }

    func send(_ method: HTTPRequest.Method, _ target: String, json: String) async throws -> SupabaseFixture.Answer {
        try await send(method, target, token: service, headers: [.contentType: "application/json"], body: json)
    }

    func get(_ target: String, headers: HTTPFields = [:], token: String? = nil) async throws -> SupabaseFixture.Answer {
        try await send(.get, target, token: token, headers: headers)
    }

    func send(
        _ method: HTTPRequest.Method, _ target: String, token: String? = nil, headers: HTTPFields = [:], body: String? = nil
    ) async throws -> SupabaseFixture.Answer {
        var headers = headers
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
}

/// Changes a text here and there, as hostile and broken clients do.
enum Mutation {
    private static let pieces = [
        "0", "-1", "9999999999999999999999", "NaN", "1e9", "..", "%", "\u{0}", ",", ",,", ":", "/", "=", "&", "x", "(", ")", "é",
        "\u{301}",
        "w_", "filters:", "fit-in", " ", "+", "'", "\"", "<",
    ]

    static func of(_ text: String, using generator: inout SeededGenerator) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0...scalars.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0 where place < scalars.count: scalars.remove(at: place)
            case 1 where place < scalars.count: scalars.removeSubrange(place..<min(scalars.count, place + 5))
            default: scalars.insert(contentsOf: (pieces.randomElement(using: &generator) ?? "").unicodeScalars, at: place)
            }
        }
        var result = ""
        result.unicodeScalars.append(contentsOf: scalars)
        return result
    }
}
