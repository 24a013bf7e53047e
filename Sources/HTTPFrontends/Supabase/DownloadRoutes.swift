// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension SupabaseCall {
    func download(_ kind: SupabaseRoute.ReadAccess, _ bucket: String, _ key: String) async throws -> Response {
        let address = try address(bucket, key)
        let access = try readAccess(kind, address)
        if let elsewhere = try await redirection(to: address, access) { return elsewhere }
        let delivered = try await named(address) {
            try await storage.delivery.open(address, range: try range(), preconditions: request.readConditions, access: access)
        }
        let headers = downloadHeaders(delivered, access: access)
        if kind == .open, case .full = delivered.outcome {
            frontend.hotReads.remember(
                delivered, headers: headers, answering: request, by: frontend.name, operation: route.operation, in: storage)
        }
        return try await .delivering(delivered.outcome, headers: headers, to: request, context)
    }

    /// Sends the client to the store of the bytes, where the bucket's settings say so.
    private func redirection(to address: ObjectAddress, _ access: Access) async throws -> Response? {
        guard request.mayBeRedirected else { return nil }
        var disposition = HTTPFields()
        addDisposition(&disposition)
        let direct = try await named(address) {
            try await storage.delivery.direct(address, preconditions: request.readConditions, access: access) { details in
                DirectPresentation(
                    mediaType: details.safeMediaType,
                    disposition: disposition[.contentDisposition]
                        ?? HTTPFields.value(details.representation.contentDisposition))
            }
        }
        return direct.map { .redirecting(to: $0.url) }
    }

    func head(_ kind: SupabaseRoute.ReadAccess, _ bucket: String, _ key: String) async throws -> Response {
        let address = try address(bucket, key)
        let access = try readAccess(kind, address)
        let (object, details) = try await named(address) { try await storage.delivery.describe(address, access: access) }
        var headers = validators(object, details)
        headers[.acceptRanges] = "bytes"
        headers[.contentType] = details.safeMediaType
        headers[.contentLength] = String(object.blob?.size ?? details.size ?? 0)
        headers[.robotsTag] = "none"
        if kind == .signed { expires(access, &headers) } else { headers[.cacheControl] = headCacheControl(object, details) }
        addDisposition(&headers)
        return Response(status: .ok, headers: headers)
    }

    func info(_ kind: SupabaseRoute.ReadAccess, _ bucket: String, _ key: String, isHead: Bool) async throws -> Response {
        let address = try address(bucket, key)
        let access = try readAccess(kind, address)
        let (object, details) = try await named(address) { try await storage.delivery.describe(address, access: access) }
        var headers = validators(object, details)
        headers[.cacheControl] = details.cacheControl
        if isHead {
            headers[.contentType] = "application/json; charset=utf-8"
            headers[.contentLength] = String(object.blob?.size ?? details.size ?? 0)
            return Response(status: .ok, headers: headers)
        }
        let text = JSONWriter.object { writer in
            writer.field("id", object.record.id.rawValue)
            writer.field("name", address.key.rawValue)
            writer.field("version", object.record.version?.rawValue ?? "")
            writer.field("bucket_id", address.bucket.rawValue)
            writer.field("size", details.size ?? object.blob?.size)
            writer.field("content_type", details.mimetype)
            writer.field("cache_control", details.cacheControl)
            writer.field("etag", object.record.entityTag(details))
            writer.field("metadata", object.record.userMetadata)
            writer.field("last_modified", object.record.updatedAt)
            writer.field("created_at", object.record.createdAt)
        }
        return Self.json(text, headers: headers)
    }

    private func readAccess(_ kind: SupabaseRoute.ReadAccess, _ address: ObjectAddress) throws -> Access {
        switch kind {
        case .open: return .publicBucket(facts)
        case .authenticated: return .policy(try requiredCaller())
        case .either: return optionalAccess()
        case .signed:
            let token = try query.requiredString("token")
            return .grant(try storage.signedURLs.grant(token: token, address: address, action: .download), facts)
        }
    }

    /// A key that this dialect could never have written is called invalid when it is not there; another dialect may have
    /// written it, so it is looked for first.
    func named<Value>(_ address: ObjectAddress, _ read: () async throws -> Value) async throws -> Value {
        do {
            return try await read()
        } catch let error as StorageError where error.code == .objectNotFound {
            try KeyAlphabet.portable.require(address.key)
            throw error
        }
    }
}

// MARK: - Request headers

extension SupabaseCall {
    /// The range asked for. A malformed or multiple one is refused; RFC 9110 §14.2 would let it be ignored, clients of this
    /// dialect expect 416.
    func range() throws -> ByteRange? {
        switch RangeHeader(parsing: request.headers[.range]) {
        case .absent, .otherUnit: return nil
        case .single(let bytes): return bytes.byteRange
        case .malformed, .multiple: throw StorageError(.rangeNotSatisfiable, "invalid range provided")
        }
    }
}

// MARK: - Response headers

extension SupabaseCall {
    private func downloadHeaders(_ delivered: Delivered, access: Access) -> HTTPFields {
        let (object, details) = (delivered.object, delivered.details)
        var headers = validators(object, details)
        headers[.acceptRanges] = "bytes"
        headers[.contentType] = details.safeMediaType
        headers.restrain(details.safeMediaType)
        headers[.robotsTag] = Self.robots(details)
        if case .grant = access {
            expires(access, &headers)
        } else {
            headers[.cacheControl] = readCacheControl(details, tag: object.record.entityTag(details))
            headers[.expires] = HTTPFields.value(details.representation.expires)
        }
        headers[.contentEncoding] = HTTPFields.value(details.representation.contentEncoding)
        headers[.contentLanguage] = HTTPFields.value(details.representation.contentLanguage)
        headers[.contentDisposition] = HTTPFields.value(details.representation.contentDisposition)
        addDisposition(&headers)
        return headers
    }

    static func robots(_ details: ObjectMetadata) -> String {
        // SQL may have written rules that are none: then the strictest hold.
        details.xRobotsTag.flatMap { try? RobotsRules($0) }?.rawValue ?? "none"
    }

    private func validators(_ object: ReadableObject, _ details: ObjectMetadata) -> HTTPFields {
        var headers = HTTPFields()
        headers[.eTag] = object.record.entityTag(details)
        headers[.lastModified] = (details.lastModified ?? object.record.updatedAt)?.httpDate
        return headers
    }

    /// - Parameter tag: of what is delivered.
    func readCacheControl(_ details: ObjectMetadata, tag: String) -> String? {
        guard var value = HTTPFields.value(details.cacheControl) else { return nil }
        guard let known = request.headers[.ifNoneMatch] else { return value }
        if frontend.configuration.sharedMaxAge > 0 { value += ", s-maxage=\(frontend.configuration.sharedMaxAge)" }
        if !EntityTag.matches(known, tag) { value += ", stale-while-revalidate=30" }
        return value
    }

    private func headCacheControl(_ object: ReadableObject, _ details: ObjectMetadata) -> String? {
        guard let value = HTTPFields.value(details.cacheControl), let known = request.headers[.ifNoneMatch] else {
            return HTTPFields.value(details.cacheControl)
        }
        guard EntityTag.matches(known, object.record.entityTag(details)) else { return value + ", must-revalidate" }
        return frontend.configuration.sharedMaxAge > 0 ? value + ", s-maxage=\(frontend.configuration.sharedMaxAge)" : value
    }

    func expires(_ access: Access, _ headers: inout HTTPFields) {
        if case .grant(let grant, _) = access { headers[.expires] = grant.expiresAt?.httpDate }
    }

    /// `?download` saves under the object's own name, `?download=name` under that one. RFC 6266.
    func addDisposition(_ headers: inout HTTPFields) {
        guard query.has("download"), let name = try? query.string("download") else { return }
        if name.isEmpty {
            headers[.contentDisposition] = "attachment;"
        } else {
            let encoded = PercentEncoding.encodeComponent(name)
            headers[.contentDisposition] = "attachment; filename=\(encoded); filename*=UTF-8''\(encoded)"
        }
    }
}
