// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import NIOHTTPTypes
import WireFormats

/// One request to this dialect. Sections are those of draft-ietf-httpbis-resumable-upload-10.
struct ResumableUploadCall {
    private static let bodyType = "application/partial-upload"

    let path: ResumableUploadPath
    let draft: DraftVersion
    let request: Request
    /// The request target as sent, query included.
    let target: String
    let context: MagpieRequestContext
    let frontend: ResumableUploadFrontend

    private var uploads: Uploads { frontend.storage.uploads }

    func answer() async throws -> Response {
        guard draft.isKnown else { throw UploadProblem(.badRequest, "This version of the draft is not supported") }
        switch (request.method, path.place) {
        case (.options, _):
            context.trace.operation = "storage.resumable_upload.options"
            return Response(status: .noContent, headers: [.uploadLimit: limits])
        case (.post, .object(let bucket, let key)), (.put, .object(let bucket, let key)):
            context.trace.operation = "storage.resumable_upload.create"
            return try await create(bucket, key)
        case (.head, .upload(let name)):
            context.trace.operation = "storage.resumable_upload.get"
            return try await describe(name)
        case (.patch, .upload(let name)):
            context.trace.operation = "storage.resumable_upload.append"
            return try await append(to: name)
        case (.delete, .upload(let name)):
            context.trace.operation = "storage.resumable_upload.delete"
            let session = try await find(name)
            try await uploads.abort(session.id, access: .policy(try caller()))
            return Response(status: .noContent)
        case (_, .object), (_, .upload): throw UploadProblem(.methodNotAllowed, "Method not allowed")
        }
    }

    /// Adds where the upload is to the answer to a failed request, as far as its sender may know.
    func addState(to response: inout Response) async {
        // The request has failed already, and that is what is answered: this is only besides.
        guard case .upload(let name) = path.place, let session = try? await find(name) else { return }
        response.headers[.uploadOffset] = String(session.offset)
        draft.set(isComplete: session.isComplete, in: &response.headers)
    }

    /// §4.2: the bytes of this request begin the upload, and may be all of it.
    private func create(_ bucket: String, _ key: String) async throws -> Response {
        let caller = try caller()
        let address = ObjectAddress(
            bucket: try BucketID(existing: try Self.decoded(bucket)), key: try ObjectKey(try Self.decoded(key)))
        context.trace.bucket = address.bucket
        let isLast = try draft.isComplete(request.headers) ?? true
        let declared = try declaredLength()
        let options = UploadOptions(
            mode: request.method == .put || request.headers[.upsert] == "true" ? .replace : .create,
            contentType: request.headers[.contentType] ?? UploadOptions.unknownContentType,
            cacheControl: request.headers[.cacheControl] ?? "no-cache", userMetadata: userMetadata, alphabet: .portable)
        let session = try await uploads.begin(
            UploadBeginning(
                kind: .appended, options: options, length: declared ?? (isLast ? request.announcedLength : nil),
                attributes: JSONText(trusted: #"{"dialect":"ietf"}"#)),
            at: address, access: .policy(caller))
        announce(session)
        let state = try await uploads.append(
            UploadAppend(body: request.byteStream(context), offset: 0, isLast: isLast), to: session.id, access: .policy(caller))
        var response = answer(to: state, incomplete: .created)
        response.headers[.location] = location(of: session)
        return response
    }

    /// §4.1: tells the client where the upload is before its bytes are read, for the case that it does not live to hear the end.
    private func announce(_ session: UploadSession) {
        guard draft.text != nil, let channel = context.channel else { return }
        var head = HTTPResponse(status: .init(code: 104, reasonPhrase: "Upload Resumption Supported"))
        head.headerFields[.uploadDraftInteropVersion] = draft.text
        head.headerFields[.location] = location(of: session)
        head.headerFields[.uploadLimit] = limits
        channel.writeAndFlush(HTTPResponsePart.head(head), promise: nil)
    }

    /// §4.3.
    private func describe(_ name: Substring) async throws -> Response {
        let session = try await uploads.settledSession(try await find(name).id)
        var headers: HTTPFields = [
            .uploadOffset: String(session.offset), .cacheControl: "no-store", .uploadLimit: limits,
        ]
        if let length = session.length { headers[.uploadLength] = String(length) }
        draft.set(isComplete: session.isComplete, in: &headers)
        return Response(status: .noContent, headers: headers)
    }

    /// §4.4.
    private func append(to name: Substring) async throws -> Response {
        guard !draft.requiresBodyType || request.headers[.contentType] == Self.bodyType else {
            throw UploadProblem(.unsupportedMediaType, "The content type must be \(Self.bodyType)")
        }
        guard let offset = request.headers[.uploadOffset].flatMap(Self.number) else {
            throw UploadProblem(.badRequest, "Upload-Offset must be a number")
        }
        let isLast = try draft.isComplete(request.headers) ?? true
        let caller = try caller()
        let session = try await find(name)
        let state = try await uploads.append(
            UploadAppend(
                body: request.byteStream(context), offset: offset, length: try declaredLength(), isLast: isLast),
            to: session.id, access: .policy(caller))
        return answer(to: state, incomplete: .noContent)
    }

    /// What an ordinary upload is answered with, once the upload is one.
    private func answer(to state: UploadState, incomplete: HTTPResponse.Status) -> Response {
        var headers: HTTPFields = [.uploadOffset: String(state.session.offset)]
        draft.set(isComplete: state.session.isComplete, in: &headers)
        guard state.session.isComplete else {
            headers[.uploadLimit] = limits
            return Response(status: incomplete, headers: headers)
        }
        headers[.contentType] = "application/json; charset=utf-8"
        let body = JSONWriter.object { writer in
            if let record = state.record { writer.field("Id", record.id.rawValue) }
            writer.field("Key", state.session.address.description)
        }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: body)))
    }
}

// MARK: - Fields

extension ResumableUploadCall {
    /// The upload that a URL names. Who has no token learns nothing.
    private func find(_ name: Substring) async throws -> UploadSession {
        _ = try caller()
        guard let locator = UploadLocator(segment: name) else { throw UploadProblem(.notFound, "The upload was not found") }
        let session = try await uploads.session(locator.id)
        guard locator.names(session), session.kind == .appended else {
            throw UploadProblem(.notFound, "The upload was not found")
        }
        context.trace.bucket = session.address.bucket
        return session
    }

    private func caller() throws -> Caller {
        guard let token = request.bearerToken else {
            throw StorageError(.unauthenticated, "headers must have required property 'authorization'")
        }
        let facts = RequestFacts(
            operation: Operation(context.trace.operation), method: request.method.rawValue, path: target,
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
        return Caller(principal: try frontend.storage.authenticator.principal(token: token), facts: facts)
    }

    /// The JSON object in an `x-metadata` header, in base64 of either alphabet.
    private var userMetadata: JSONText? {
        guard let text = request.headers[.userMetadata] else { return nil }
        let unpadded = text.prefix { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        return Base64URL.decode(String(unpadded)).flatMap(UserMetadataText.read)
    }

    private func declaredLength() throws(UploadProblem) -> Int64? {
        guard let text = request.headers[.uploadLength] else { return nil }
        guard let length = Self.number(text) else { throw UploadProblem(.badRequest, "Upload-Length must be a number") }
        return length
    }

    private static func number(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int64(text)
    }

    private static func decoded(_ raw: String) throws(UploadProblem) -> String {
        guard let text = PercentEncoding.decode(raw) else { throw UploadProblem(.badRequest, "The path is malformed") }
        return text
    }

    private func location(of session: UploadSession) -> String {
        "\(frontend.configuration.origin.url(for: request))\(path.mount)/upload/object/\(UploadLocator(session).segment)"
    }

    /// §4.1.4.
    private var limits: String {
        "min-size=0, max-size=\(frontend.configuration.maxUploadBytes), max-age=\(frontend.configuration.lifetime)"
    }
}
