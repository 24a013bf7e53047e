// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import WireFormats

/// One request for an asset.
struct DeliveryCall {
    let path: DeliveryTarget
    let variants: Variants
    let request: Request
    let query: QueryParameters
    let context: MagpieRequestContext
    let frontend: PixaultDeliveryFrontend
    private let bucket: BucketID

    /// The URL holds everything that the answer depends on, the dialect says; who replaces an asset and keeps its name waits as long.
    private static let forAMonth = "public, max-age=2592000, immutable"
    /// HTML is not part of that promise: it may name other sizes tomorrow.
    private static let forAnHour = "public, max-age=3600"

    /// The URLs in it are as the request says that it came: another's would send readers elsewhere.
    private static let forNobodyElse = "private, no-store"

    init(
        path: DeliveryTarget, variants: Variants, request: Request, context: MagpieRequestContext,
        frontend: PixaultDeliveryFrontend
    ) throws {
        self.path = path
        self.variants = variants
        self.request = request
        self.context = context
        self.frontend = frontend
        let bucket = try BucketID(existing: path.project)
        self.bucket = bucket
        context.trace.bucket = bucket
        let target = request.head.path ?? "/"
        do {
            query = try QueryParameters(
                parsing: target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.utf8.index(after: $0)...] })
        } catch {
            throw PixaultProblem.invalid("query", "can't be read")
        }
    }

    func answer() async throws -> Response {
        for reading in path.readings {
            // No object has a key that can't be one: another reading of the path may be meant.
            guard let key = try? ObjectKey(reading.key) else { continue }
            if let response = try await answer(reading, at: ObjectAddress(bucket: bucket, key: key)) { return response }
        }
        // What is the key of no object may be the name of an asset.
        for reading in path.readings where !reading.key.utf8.contains(UInt8(ascii: "/")) {
            guard let address = try await frontend.storage.assets.address(reading.key, in: bucket, facts: facts),
                address.key.rawValue != reading.key
            else { continue }
            if let response = try await answer(reading, at: address) { return response }
        }
        if let mistake = path.mistake { throw PixaultProblem(.badRequest, mistake) }
        // The same words whether there is no project, no asset or no right to see it.
        let asset = path.readings.first.map { "'\($0.key.prefix(128))'" } ?? "of this kind"
        throw PixaultProblem(.notFound, "There is no asset \(asset) in the project '\(path.project)'")
    }

    /// Nil when there is no such object.
    private func answer(_ reading: DeliveryTarget.Reading, at address: ObjectAddress) async throws -> Response? {
        do {
            return try await answer(reading.wanted, address, as: reading.key)
        } catch let error as StorageError where isAbsence(error, of: address.key) {
            return nil
        }
    }

    /// Whether it is the object that is not there; a preset may be missing, too.
    private func isAbsence(_ error: StorageError, of key: ObjectKey) -> Bool {
        switch error.code {
        case .bucketNotFound: true
        case .objectNotFound: error.resource == key.rawValue
        default: false
        }
    }

    /// - Parameter asset: as the URL calls it.
    private func answer(
        _ wanted: DeliveryTarget.Wanted, _ address: ObjectAddress, as asset: String
    ) async throws -> Response {
        switch wanted {
        case .image(let parameters, let format):
            return try await image(
                address, parameters.request(format: format.choice), cacheControl: Self.forAMonth,
                kept: HotReads.Place(reads: frontend.hotReads, frontend: frontend.name, storage: frontend.storage))
        case .original(let format, let name): return try await original(address, format, file: "original.\(name)", of: asset)
        case .media(let kind, let name): return try await media(address, kind, file: name, of: asset)
        case .embed: return try await embed(address, as: asset)
        }
    }

    private var access: Access { .publicBucket(facts) }

    private var facts: RequestFacts {
        RequestFacts(
            operation: Operation(context.trace.operation), method: request.method.rawValue, path: request.head.path ?? "",
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
    }
}

extension DeliveryCall {
    private func image(
        _ address: ObjectAddress, _ transform: TransformRequest, cacheControl: String, kept: HotReads.Place? = nil
    ) async throws -> Response {
        let variant = try await variants.open(
            address, as: transform, accepted: request.acceptedFormats, range: request.singleRange,
            preconditions: request.readConditions, access: access)
        let headers: HTTPFields = [.cacheControl: cacheControl, .pixaultCache: variant.isCached ? "HIT" : "MISS"]
        return try await .delivering(variant, headers: headers, to: request, context, kept: kept)
    }

    /// The bytes as they were stored when the extension is their own or `auto`, and otherwise the whole image in another format.
    private func original(
        _ address: ObjectAddress, _ format: DeliveryTarget.Format, file: String, of asset: String
    ) async throws -> Response {
        // Whoever may not see the asset must not learn of it by the answer to a signature.
        let (_, details) = try await frontend.storage.delivery.look(at: address, access: access)
        let right = try await right(to: address, file: file, of: asset)
        guard format.isOwn(of: details) else {
            return try await image(address, ImageParameters().request(format: format.choice), cacheControl: right.cacheControl)
        }
        return try await bytes(address, right)
    }

    /// The bytes of a video or a document, if that is what is stored: nothing is converted.
    private func media(_ address: ObjectAddress, _ kind: MediaKind, file: String, of asset: String) async throws -> Response {
        let (_, details) = try await frontend.storage.delivery.look(at: address, access: access)
        guard details.mimetype?.prefix(while: { $0 != ";" }).lowercased() == kind.mediaType else {
            throw StorageError.objectNotFound(address)
        }
        return try await bytes(address, try await right(to: address, file: file, of: asset))
    }

    private typealias Right = (access: Access, cacheControl: String)

    /// The right to the stored bytes: anybody's, or the signature's where the project wants one.
    private func right(to address: ObjectAddress, file: String, of asset: String) async throws -> Right {
        guard let secret = try await frontend.storage.originalsSigning?.secret(of: bucket, facts: facts) else {
            return (access, Self.forAMonth)
        }
        let signature = OriginalSignature(
            project: path.project, asset: asset, file: file, signature: query["sig"], expiry: query["exp"])
        let end = try signature.verify(secret: secret, at: .now())
        return (.grant(SignedGrant(address: address, action: .download, expiresAt: end), facts), "private, no-store")
    }

    private func bytes(_ address: ObjectAddress, _ right: Right) async throws -> Response {
        if request.mayBeRedirected, let direct = try await direct(address, right) { return .redirecting(to: direct.url) }
        let delivered = try await frontend.storage.delivery.open(
            address, range: request.singleRange, preconditions: request.readConditions, access: right.access)
        var headers = HTTPFields(describing: delivered)
        headers[.cacheControl] = right.cacheControl
        return try await .delivering(delivered.outcome, headers: headers, to: request, context)
    }

    private func direct(_ address: ObjectAddress, _ right: Right) async throws -> DirectRequest? {
        try await frontend.storage.delivery.direct(
            address, preconditions: request.readConditions, access: right.access
        ) { details in
            DirectPresentation(
                mediaType: details.safeMediaType, disposition: HTTPFields.value(details.representation.contentDisposition))
        }
    }

    private func embed(_ address: ObjectAddress, as asset: String) async throws -> Response {
        let markup = try EmbedMarkup(query)
        _ = try await frontend.storage.delivery.look(at: address, access: access)
        let html = markup.html(
            origin: frontend.origin.url(for: request), project: path.project, asset: asset)
        let headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8",
            .cacheControl: frontend.origin.isConfigured ? Self.forAnHour : Self.forNobodyElse,
            .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; img-src *; style-src 'unsafe-inline'; sandbox",
        ]
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: html)))
    }
}

extension DeliveryTarget.Format {
    /// Whether an object is of this format already, as its media type says.
    fileprivate func isOwn(of details: ObjectMetadata) -> Bool {
        switch self {
        case .auto: true
        case .fixed(let format): details.mimetype?.prefix { $0 != ";" }.lowercased() == format.mediaType
        }
    }
}

extension HTTPField.Name {
    fileprivate static let pixaultCache = known("x-pixault-cache")
}
