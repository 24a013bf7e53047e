// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// Making uploads. TUS 1.0, extensions creation, creation-with-upload, creation-defer-length and concatenation.
extension TUSCall {
    func create() async throws -> Response {
        if !path.isSigned { _ = try caller() }
        let concat = try request.headers[.uploadConcat].map { text throws(TUSError) in try TUSConcat(text) }
        guard let text = request.headers[.uploadMetadata] else { throw TUSError.metadataRequired }
        let metadata = try TUSMetadata(text)
        let address = try metadata.address()
        let access = try access(to: address)
        let options = metadata.options(mode: request.headers[.upsert] == "true" ? .replace : .create)
        let attributes = TUSAttributes(metadata: text, concat: request.headers[.uploadConcat])
        var beginning = UploadBeginning(kind: .appended, options: options, attributes: attributes.json)
        if case .final(let pieces) = concat {
            return try await concatenate(pieces, into: beginning, at: address, access: access)
        }
        beginning.kind = concat == .partial ? .partial : .appended
        beginning.length = try lengthOfNewUpload()
        return try await begin(beginning, at: address, access: access)
    }

    private func begin(_ beginning: UploadBeginning, at address: ObjectAddress, access: Access) async throws -> Response {
        // What is wrong with the body is said before anything is made.
        let withBody = request.headers[.contentType] == Self.bodyType
        let first = withBody ? try append(at: 0, length: nil) : UploadAppend(body: ByteStream(ByteBuffer()), offset: 0)
        var session = try await uploads.begin(beginning, at: address, access: access)
        if withBody || session.length == 0 {
            session = try await uploads.append(first, to: session.id, access: access).session
        }
        var headers = Self.progress(session)
        if !withBody { headers[.uploadOffset] = nil }
        headers[.location] = location(of: session)
        return Response(status: .created, headers: headers)
    }

    private func concatenate(
        _ pieces: [UploadLocator], into beginning: UploadBeginning, at address: ObjectAddress, access: Access
    ) async throws -> Response {
        guard pieces.allSatisfy({ $0.names(address) }) else { throw TUSError.invalidConcat }
        let state = try await uploads.concatenate(pieces.map(\.id), into: beginning, at: address, access: access)
        var headers = Self.progress(state.session)
        headers[.uploadOffset] = nil
        headers[.location] = location(of: state.session)
        return Response(status: .created, headers: headers)
    }

    /// Nil: the client will say it later.
    private func lengthOfNewUpload() throws(TUSError) -> Int64? {
        switch (try declaredLength(), request.headers[.uploadDeferLength]) {
        case (let length?, nil): return length
        case (nil, "1"): return nil
        default: throw .lengthRequired
        }
    }

    private func location(of session: UploadSession) -> String {
        "\(frontend.configuration.origin.url(for: request))\(path.base)/\(UploadLocator(session).segment)"
    }
}
