// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore
import NIOCore

/// Resumable uploads as draft-ietf-httpbis-resumable-upload describes them (interop versions 3 to 6, and without one as in draft
/// 10): what Apple's URLSession speaks.
///
/// A client uploads to `/object/{bucket}/{key}` as ever, adding `Upload-Complete`; it is told at once, in an informational
/// answer, where to go on when the connection breaks: below `/upload/object`.
public struct ResumableUploadFrontend: Frontend {
    public struct Configuration: Sendable {
        /// In bytes.
        public var maxUploadBytes: Int64
        /// How long an upload may take, in seconds.
        public var lifetime: Int64
        /// For the URLs of uploads.
        public var origin: PublicOrigin

        public init(maxUploadBytes: Int64, lifetime: Int64, origin: PublicOrigin) {
            self.maxUploadBytes = maxUploadBytes
            self.lifetime = lifetime
            self.origin = origin
        }
    }

    public let name = "resumable-upload"
    let storage: Storage
    let configuration: Configuration

    public init(storage: Storage, configuration: Configuration) {
        self.storage = storage
        self.configuration = configuration
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let target = request.head.path ?? "/"
        guard let path = ResumableUploadPath(target.prefix { $0 != "?" }) else { return nil }
        let draft = DraftVersion(request.headers)
        // Without a word of the draft the request is an ordinary one, of another dialect.
        if path.isCreation, !draft.speaks(request) { return nil }
        let call = ResumableUploadCall(
            path: path, draft: draft, request: request, target: target, context: context, frontend: self)
        var response: Response
        do {
            response = try await call.answer()
        } catch {
            let problem = UploadProblem(error)
            context.trace.error = problem.cause.map { "\($0)" } ?? problem.title
            response = problem.response(closing: request.announcedLength != 0)
            // After a mismatch the client goes on from the offset that it is told.
            if problem.status == .conflict { await call.addState(to: &response) }
        }
        response.headers[.uploadDraftInteropVersion] = draft.text
        return response
    }
}

/// A path of this dialect.
struct ResumableUploadPath: Hashable {
    enum Place: Hashable {
        /// Percent-encoded as sent.
        case object(bucket: String, key: String)
        case upload(Substring)
    }

    /// What stands in front: nothing, or `/storage/v1`.
    let mount: Substring
    let place: Place

    /// First segments behind `/object/` that are calls of another dialect and no buckets.
    private static let reserved: Set<Substring> = [
        "upload", "sign", "public", "authenticated", "info", "list", "list-v2", "copy", "move",
    ]

    /// Nil for a path of another dialect.
    init?(_ path: Substring) {
        var rest = path
        if rest.hasPrefix("/storage/v1/") { rest = rest.dropFirst("/storage/v1".count) }
        mount = path[..<rest.startIndex]
        if rest.hasPrefix("/upload/object/") {
            place = .upload(rest.dropFirst("/upload/object/".count))
        } else if rest.hasPrefix("/object/") {
            let segments = rest.dropFirst("/object/".count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard segments.count == 2, !segments[0].isEmpty, !segments[1].isEmpty, !Self.reserved.contains(segments[0]) else {
                return nil
            }
            place = .object(bucket: String(segments[0]), key: String(segments[1]))
        } else {
            return nil
        }
    }

    var isCreation: Bool {
        if case .object = place { true } else { false }
    }
}

/// Which version of the draft a client speaks.
struct DraftVersion: Hashable {
    /// `Upload-Draft-Interop-Version` as sent. Nil: the draft as it is today.
    let text: String?

    init(_ headers: HTTPFields) { text = headers[.uploadDraftInteropVersion] }

    /// Version 3 says whether an upload is incomplete, later ones whether it is complete.
    private var isInverted: Bool { text == "3" }

    var isKnown: Bool { text.map { ["3", "4", "5", "6"].contains($0) } ?? true }

    /// Since version 6 appended bytes have a media type of their own.
    var requiresBodyType: Bool { text == nil || text == "6" }

    func speaks(_ request: Request) -> Bool {
        switch request.method {
        case .post, .put: request.headers[isInverted ? .uploadIncomplete : .uploadComplete] != nil
        case .options: text != nil
        default: false
        }
    }

    /// Whether the request's bytes are the last. RFC 9651 §3.3.6: a boolean is `?0` or `?1`.
    /// - Throws: `UploadProblem` for anything else.
    func isComplete(_ headers: HTTPFields) throws(UploadProblem) -> Bool? {
        switch headers[isInverted ? .uploadIncomplete : .uploadComplete] {
        case nil: nil
        case "?1": !isInverted
        case "?0": isInverted
        default: throw UploadProblem(.badRequest, "Upload-Complete must be ?0 or ?1")
        }
    }

    func set(isComplete: Bool, in headers: inout HTTPFields) {
        if isInverted {
            headers[.uploadIncomplete] = isComplete ? "?0" : "?1"
        } else {
            headers[.uploadComplete] = isComplete ? "?1" : "?0"
        }
    }
}

extension HTTPField.Name {
    static let uploadDraftInteropVersion = known("upload-draft-interop-version")
    static let uploadComplete = known("upload-complete")
    static let uploadIncomplete = known("upload-incomplete")
    static let uploadLimit = known("upload-limit")
}
