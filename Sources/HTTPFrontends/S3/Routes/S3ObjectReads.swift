// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension S3Call {
    func getObject() async throws -> Response {
        let address = try address()
        let overrides = try overrides()
        let delivered = try await storage.delivery.open(
            address, range: range, preconditions: preconditions, access: identity.access)
        var headers = S3Representation(record: delivered.object.record, details: delivered.details).headers(overriding: overrides)
        switch delivered.outcome {
        case .notModified:
            headers[.contentType] = nil
            return Response(status: .notModified, headers: headers)
        case .partial(let content, let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(content.size)"
            return try await .delivering(content, status: .partialContent, headers: headers, to: request, context)
        case .full(let content):
            return try await .delivering(content, status: .ok, headers: headers, to: request, context)
        }
    }

    func headObject() async throws -> Response {
        let address = try address()
        let overrides = try overrides()
        let (object, details) = try await storage.delivery.describe(address, access: identity.access)
        var headers = S3Representation(record: object.record, details: details).headers(overriding: overrides)
        if try preconditions.saveTransfer(of: object.record, details) {
            headers[.contentType] = nil
            return Response(status: .notModified, headers: headers)
        }
        let size = object.blob?.size ?? details.size ?? 0
        guard let part = try range?.resolved(size: size) else {
            headers[.contentLength] = String(size)
            return Response(status: .ok, headers: headers)
        }
        headers[.contentLength] = String(part.count)
        headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
        return Response(status: .partialContent, headers: headers)
    }

    var preconditions: Preconditions {
        let headers = request.headers
        return Preconditions(
            ifMatch: headers[.ifMatch],
            ifUnmodifiedSince: headers[.ifUnmodifiedSince].flatMap(Timestamp.init(httpDate:)),
            ifNoneMatch: headers[.ifNoneMatch],
            ifModifiedSince: headers[.ifModifiedSince].flatMap(Timestamp.init(httpDate:)), ifRange: headers[.ifRange])
    }

    /// The range asked for. One that can't be read, and several, count as none: RFC 9110 §14.2.
    private var range: ByteRange? {
        guard case .single(let bytes) = RangeHeader(parsing: request.headers[.range]) else { return nil }
        switch (bytes.first, bytes.last) {
        case (let first?, let last?): return .closed(first...last)
        case (let first?, nil): return .from(first)
        case (nil, let count): return .last(count ?? 0)
        }
    }

    private static let overridable: [String: HTTPField.Name] = [
        "response-cache-control": .cacheControl, "response-content-disposition": .contentDisposition,
        "response-content-encoding": .contentEncoding, "response-content-language": .contentLanguage,
        "response-content-type": .contentType, "response-expires": .expires,
    ]

    /// What the query says answers shall say. Only of signed requests: nobody else may have text sent to others' browsers.
    private func overrides() throws(S3Error) -> [HTTPField.Name: String] {
        var found: [HTTPField.Name: String] = [:]
        for parameter in query.all {
            guard let name = Self.overridable[parameter.name.lowercased()] else { continue }
            guard case .policy = identity.access else {
                throw .invalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
            }
            guard parameter.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw .invalidArgument(parameter.name, parameter.value, "The value can't stand in a header")
            }
            found[name] = parameter.value
        }
        return found
    }
}
