// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// One request to this dialect.
struct TUSCall {
    static let version = "1.0.0"
    static let extensions = "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,concatenation"
    static let bodyType = "application/offset+octet-stream"

    let path: TUSPath
    let request: Request
    /// The request target as sent, query included.
    let target: String
    let context: MagpieRequestContext
    let frontend: TUSFrontend

    var uploads: Uploads { frontend.storage.uploads }

    func answer() async throws -> Response {
        let method = request.headers[.methodOverride].flatMap { HTTPRequest.Method($0.uppercased()) } ?? request.method
        context.trace.operation = Self.operation(method, isSigned: path.isSigned)
        if method == .options { return discovery }
        guard request.headers[.tusResumable] == Self.version else { throw TUSError.versionRequired }
        switch (method, path.upload) {
        case (.post, _): return try await create()
        case (.head, let upload?): return try await describe(upload)
        case (.patch, let upload?): return try await append(to: upload)
        case (.delete, let upload?): return try await terminate(upload)
        case (.head, nil), (.patch, nil), (.delete, nil), (.get, _): throw TUSError.notFound
        default: throw TUSError.methodNotAllowed
        }
    }

    private static func operation(_ method: HTTPRequest.Method, isSigned: Bool) -> String {
        let suffix = isSigned ? "_signed" : ""
        return switch method {
        case .options: "storage.tus.options"
        case .post: "storage.tus.upload.create\(suffix)"
        case .head: "storage.tus.upload.get\(suffix)"
        case .patch: "storage.tus.upload.part\(suffix)"
        case .delete: "storage.tus.upload.delete\(suffix)"
        default: "storage.tus.other"
        }
    }

    /// What the server can do. TUS 1.0, OPTIONS.
    private var discovery: Response {
        Response(
            status: .noContent,
            headers: [
                .tusVersion: Self.version, .tusExtension: Self.extensions,
                .tusMaxSize: String(frontend.configuration.maxUploadBytes),
                .tusChecksumAlgorithm: TUSChecksum.algorithms,
            ])
    }

    private func describe(_ upload: Substring) async throws -> Response {
        let (locator, _) = try await find(upload)
        let session = try await uploads.settledSession(locator.id)
        let attributes = TUSAttributes(session)
        var headers: HTTPFields = [.uploadOffset: String(session.offset), .cacheControl: "no-store"]
        if let length = session.length {
            headers[.uploadLength] = String(length)
        } else {
            headers[.uploadDeferLength] = "1"
        }
        if !attributes.metadata.isEmpty { headers[.uploadMetadata] = attributes.metadata }
        headers[.uploadConcat] = attributes.concat
        if !session.isComplete { headers[.uploadExpires] = session.expiresAt?.httpDate }
        return Response(status: .ok, headers: headers)
    }

    private func append(to upload: Substring) async throws -> Response {
        guard request.headers[.contentType] == Self.bodyType else { throw TUSError.contentTypeRequired }
        guard let offset = request.headers[.uploadOffset].flatMap(Self.number) else { throw TUSError.offsetRequired }
        let (locator, session) = try await find(upload)
        if session.isComplete, TUSAttributes(session).concat != nil { throw TUSError.finalUpload }
        let state = try await uploads.append(
            try append(at: offset, length: try declaredLength()), to: locator.id, access: access(to: session))
        return Response(status: .noContent, headers: Self.progress(state.session))
    }

    private func terminate(_ upload: Substring) async throws -> Response {
        let (locator, session) = try await find(upload)
        try await uploads.abort(locator.id, access: access(to: session))
        return Response(status: .noContent)
    }

    /// The upload that a URL names, for a caller who shows some credentials that are good for it.
    private func find(_ upload: Substring) async throws -> (UploadLocator, UploadSession) {
        if !path.isSigned { _ = try caller() }
        guard let locator = UploadLocator(segment: upload) else { throw TUSError.invalidUploadID }
        let session = try await uploads.session(locator.id)
        guard locator.names(session), session.kind != .parts else { throw TUSError.notFound }
        _ = try access(to: session)
        return (locator, session)
    }

    private func access(to session: UploadSession) throws -> Access { try access(to: session.address) }
}

// MARK: - Credentials

extension TUSCall {
    /// By what right the request may write to `address`.
    func access(to address: ObjectAddress) throws -> Access {
        context.trace.bucket = address.bucket
        guard path.isSigned else { return .policy(try caller()) }
        guard let token = request.headers[.signature] else { throw TUSError.signatureRequired }
        return .grant(try frontend.storage.signedURLs.grant(token: token, address: address, action: .upload), facts)
    }

    func caller() throws -> Caller {
        guard let token = request.bearerToken else {
            throw StorageError(.unauthenticated, "headers must have required property 'authorization'")
        }
        return Caller(principal: try frontend.storage.authenticator.principal(token: token), facts: facts)
    }

    private var facts: RequestFacts {
        RequestFacts(
            operation: Operation(context.trace.operation), method: request.method.rawValue, path: target,
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
    }
}

// MARK: - Fields and body

extension TUSCall {
    /// `Upload-Length`. - Throws: `TUSError.lengthRequired` for one that is no number.
    func declaredLength() throws(TUSError) -> Int64? {
        guard let text = request.headers[.uploadLength] else { return nil }
        guard let length = Self.number(text) else { throw .lengthRequired }
        return length
    }

    /// The request's body as bytes of the upload.
    func append(at offset: Int64, length: Int64?) throws(TUSError) -> UploadAppend {
        let body = request.byteStream(context)
        guard let field = request.headers[.uploadChecksum] else {
            return UploadAppend(body: body, offset: offset, length: length)
        }
        let (watched, verify) = try TUSChecksum(field).watching(body)
        return UploadAppend(body: watched, offset: offset, length: length, verify: verify)
    }

    static func progress(_ session: UploadSession) -> HTTPFields {
        var headers: HTTPFields = [.uploadOffset: String(session.offset)]
        if session.isComplete {
            headers[.tusComplete] = "1"
        } else {
            headers[.uploadExpires] = session.expiresAt?.httpDate
        }
        return headers
    }

    /// Digits and nothing else: a sign or a blank is no number here.
    static func number(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int64(text)
    }
}
