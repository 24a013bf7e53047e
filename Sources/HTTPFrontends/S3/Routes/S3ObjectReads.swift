// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension S3Call {
    func getObject() async throws -> Response {
        let overrides = try overrides()
        let (delivered, version, part) = try await opened()
        let details = delivered.details
        var headers = S3Representation(record: delivered.object.record, details: details).headers(overriding: overrides)
        headers[.amzVersionID] = version?.description
        if try versionID() == nil { headers[.amzExpiration] = try await expiration(of: delivered.object.record, details) }
        if let part {
            headers[.amzPartsCount] = part.count > 0 ? String(part.count) : nil
            try await addChecksum(of: part, in: delivered.object, to: &headers)
        }
        switch delivered.outcome {
        case .notModified:
            headers[.contentType] = nil
            return Response(status: .notModified, headers: headers)
        case .partial(let content, let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(content.size)"
            return try await .delivering(content, status: .partialContent, headers: headers, to: request, context)
        case .full where part?.isEmpty ?? false:
            return Response(status: .partialContent, headers: headers)
        case .full(let content):
            if part.map(\.isWhole) ?? true { addChecksum(of: delivered.object, to: &headers) }
            let status: HTTPResponse.Status = part == nil || content.size == 0 ? .ok : .partialContent
            if status == .partialContent { headers[.contentRange] = "bytes 0-\(content.size - 1)/\(content.size)" }
            if status == .ok, !target.isBelowDomain { frontend.signedReads.remember(delivered, headers: headers, to: self) }
            return try await .delivering(content, status: status, headers: headers, to: request, context)
        }
    }

    func headObject() async throws -> Response {
        let overrides = try overrides()
        let found = try await found()
        var headers = found.representation.headers(overriding: overrides)
        headers.add(found)
        if try versionID() == nil { headers[.amzExpiration] = try await expiration(of: found.object.record, found.details) }
        try preconditions.check(found.object.record, found.details)
        if preconditions.saveTransfer(of: found.object.record, found.details) {
            headers[.contentType] = nil
            return Response(status: .notModified, headers: headers)
        }
        let size = found.object.blob?.size ?? found.details.size ?? 0
        let part = try part(of: found.object, size: size)
        if let part {
            headers[.amzPartsCount] = part.count > 0 ? String(part.count) : nil
            try await addChecksum(of: part, in: found.object, to: &headers)
        }
        if let part, part.isEmpty {
            headers[.contentLength] = "0"
            return Response(status: .partialContent, headers: headers)
        }
        guard let range = try (part?.range ?? range)?.resolved(size: size) else {
            if part.map(\.isWhole) ?? true { addChecksum(of: found.object, to: &headers) }
            headers[.contentLength] = String(size)
            // The only part is the whole, and is answered as a part.
            let isPart = part != nil && size > 0
            if isPart { headers[.contentRange] = "bytes 0-\(size - 1)/\(size)" }
            return Response(status: isPart ? .partialContent : .ok, headers: headers)
        }
        headers[.contentLength] = String(range.count)
        headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
        return Response(status: .partialContent, headers: headers)
    }

    /// The bytes asked for: of a version, of a part, or of the object as it is.
    private func opened() async throws -> (Delivered, VersionID?, S3PartRead?) {
        let address = try address()
        let version = try versionID()
        guard version != nil || query.contains("partNumber") else {
            do {
                let delivered = try await storage.delivery.open(
                    address, range: range, preconditions: preconditions, access: identity.access)
                return (delivered, delivered.object.isVersioned ? delivered.object.versionID : nil, nil)
            } catch let error as StorageError where error.code == .objectNotFound {
                throw try await missing(address, error)
            }
        }
        let found = try await found(address, version: version)
        let part = try part(of: found.object, size: found.object.blob?.size ?? 0)
        let delivered = try await storage.delivery.open(
            found.object, range: part?.range ?? range, preconditions: preconditions)
        return (delivered, found.versionID, part)
    }

    /// Left out of partial answers, whose bytes it does not fit.
    private func addChecksum(of object: ReadableObject, to headers: inout HTTPFields) {
        guard wantsChecksum, let blob = object.blob else { return }
        S3StoredChecksums(blob.checksums).add(to: &headers)
    }

    /// The checksum of a part is that of its bytes, where the client chose one when the upload began.
    private func addChecksum(of part: S3PartRead, in object: ReadableObject, to headers: inout HTTPFields) async throws {
        guard wantsChecksum, !part.isWhole, let known = try await storage.objects.partChecksums(of: object),
            known.values.indices.contains(part.number - 1), let algorithm = ChecksumAlgorithm(name: known.algorithm),
            let name = HTTPField.Name(algorithm.fieldName)
        else { return }
        headers[name] = known.values[part.number - 1]
    }

    private var wantsChecksum: Bool { request.headers[.amzChecksumMode]?.uppercased() == "ENABLED" }

    var preconditions: Preconditions {
        let headers = request.headers
        return Preconditions(
            ifNoneMatch: headers[.ifNoneMatch],
            ifModifiedSince: headers[.ifModifiedSince].flatMap(Timestamp.init(httpDate:)), ifRange: headers[.ifRange],
            ifMatch: headers[.ifMatch], ifUnmodifiedSince: headers[.ifUnmodifiedSince].flatMap(Timestamp.init(httpDate:)))
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

/// The bytes of one part of an object that was uploaded in parts.
struct S3PartRead {
    /// From 1.
    let number: Int
    /// Nil: the object is one part, or the part is empty.
    let range: ByteRange?
    /// 0: the object was not uploaded in parts.
    let count: Int
    /// Whether there is nothing in it, where there may be something in others.
    var isEmpty = false

    /// Whether it is the object itself, which was not uploaded in parts.
    var isWhole: Bool { count == 0 }
}

extension S3Call {
    /// The part that `partNumber` names, if there is one.
    /// - Throws: `S3Error` for a number that is none, or beyond the last part.
    func part(of object: ReadableObject, size: Int64) throws(S3Error) -> S3PartRead? {
        guard let text = query["partNumber"] else { return nil }
        guard request.headers[.range] == nil else {
            throw .invalidRequest("Cannot specify both Range header and partNumber query parameter")
        }
        guard let number = Int(text), (1...S3Completion.maxParts).contains(number) else {
            throw .invalidArgument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
        }
        guard let layout = object.blob?.parts else {
            guard number == 1 else { throw .noSuchPart }
            return S3PartRead(number: number, range: nil, count: 0)
        }
        guard let range = layout.range(of: number) else { throw .noSuchPart }
        guard !range.isEmpty else { return S3PartRead(number: number, range: nil, count: layout.count, isEmpty: true) }
        return S3PartRead(
            number: number, range: .closed(range.lowerBound...(range.upperBound - 1)), count: layout.count)
    }
}

extension S3Error {
    /// Amazon S3 says `InvalidPartNumber` with 416; s3-tests and clients know `InvalidPart` with 400.
    static let noSuchPart = S3Error(.badRequest, "InvalidPart", "The requested partnumber is not satisfiable")
}
