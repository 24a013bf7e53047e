// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

extension Response {
    /// A response with an image made of an object: what is the same in every dialect.
    ///
    /// - Parameters:
    ///   - headers: those of the dialect. They win over what is said here.
    ///   - kept: where the answer is left for the connection to give. Nil when somebody's right is part of the request.
    /// - Throws: as the other `delivering`.
    static func delivering(
        _ variant: DeliveredVariant, headers: HTTPFields, to request: Request, _ context: MagpieRequestContext,
        kept: HotReads.Place? = nil
    ) async throws -> Response {
        var all = HTTPFields()
        all[.eTag] = variant.entityTag
        all[.lastModified] = (variant.details.lastModified ?? variant.object.record.updatedAt)?.httpDate
        all[.acceptRanges] = "bytes"
        if variant.variesByAccept { all[.vary] = "Accept" }
        for field in headers { all[field.name] = field.value }
        if case .notModified = variant.outcome { return Response(status: .notModified, headers: all) }
        all[.contentType] = variant.mediaType
        all.restrain(variant.mediaType)
        if let kept {
            kept.reads.remember(
                variant, headers: all, answering: request, by: kept.frontend, operation: context.trace.operation, in: kept.storage
            )
        }
        return try await delivering(variant.outcome, headers: all, to: request, context)
    }

    /// The bytes of an outcome with their status, length and range.
    static func delivering(
        _ outcome: Delivered.Outcome, headers: HTTPFields, to request: Request, _ context: MagpieRequestContext
    ) async throws -> Response {
        var headers = headers
        switch outcome {
        case .notModified:
            headers[.contentType] = nil
            return Response(status: .notModified, headers: headers)
        case .partial(let content, let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(content.size)"
            return try await delivering(content, status: .partialContent, headers: headers, to: request, context)
        case .full(let content):
            return try await delivering(content, status: .ok, headers: headers, to: request, context)
        }
    }
}

extension HTTPFields {
    /// Keeps a browser from taking what users uploaded for something else, and from running what may be in it.
    mutating func restrain(_ mediaType: String) {
        self[.xContentTypeOptions] = "nosniff"
        // RFC 9110 §8.3.1: case says nothing. Every kind of XML may hold XHTML, and so a script.
        let essence = mediaType.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        guard essence.hasSuffix("+xml") || essence.hasSuffix("/xml") else { return }
        self[.contentSecurityPolicy] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    }
}
