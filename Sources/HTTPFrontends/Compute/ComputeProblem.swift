// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore

/// An error as FastAPI says it: `{"detail": …}`, a text, or a list of what is wrong with the parts of the request.
struct ComputeProblem: Error {
    enum Detail {
        case text(String)
        case invalid([InvalidPart])
    }

    var status: HTTPResponse.Status
    var detail: Detail
    var headers: HTTPFields = [:]
    /// For the log.
    var cause: StorageError?

    init(_ status: HTTPResponse.Status, _ detail: String, headers: HTTPFields = [:]) {
        self.status = status
        self.detail = .text(detail)
        self.headers = headers
    }

    /// A request that FastAPI's validation would refuse.
    init(invalid parts: [InvalidPart]) {
        self.status = .unprocessableContent
        self.detail = .invalid(parts)
    }

    /// Any error as this dialect says it. What is not a `StorageError` is a bug and says nothing of itself.
    init(_ error: any Error) {
        switch error {
        case let error as ComputeProblem: self = error
        case let error as StorageError:
            self = Self.mapped(error)
            cause = error
        default:
            self.init(.internalServerError, "Internal Server Error")
            cause = StorageError(.internal, "Internal Server Error", cause: error)
        }
    }

    static let invalidPath = ComputeProblem(.badRequest, "Invalid path")
    static let notFound = ComputeProblem(.notFound, "Image not found")
    static let notAuthenticated = unauthorized("Not authenticated")
    static let unreadableBody = ComputeProblem(.badRequest, "There was an error parsing the body")

    static func methodNotAllowed(allowed methods: [HTTPRequest.Method]) -> ComputeProblem {
        ComputeProblem(
            .methodNotAllowed, "Method Not Allowed", headers: [.allow: methods.map(\.rawValue).joined(separator: ", ")])
    }

    private static func unauthorized(_ detail: String) -> ComputeProblem {
        ComputeProblem(.unauthorized, detail, headers: [.wwwAuthenticate: "Bearer"])
    }

    /// The answer. Notes the error for the access log.
    func response(to request: Request, _ trace: RequestTrace) -> Response {
        let text = body
        trace.error = cause.map { "\($0)" } ?? "\(status.code): \(text)"
        var fields = headers
        fields[.contentType] = "application/json"
        fields[.cacheControl] = "no-store"
        fields[.xContentTypeOptions] = "nosniff"
        if request.mayHaveUnreadBody { fields[.connection] = "close" }
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private var body: String {
        JSONWriter.object { writer in
            switch detail {
            case .text(let text): writer.field("detail", text)
            case .invalid(let parts):
                writer.key("detail")
                writer.array(parts) { writer, part in part.write(to: &writer) }
            }
        }
    }

    private static func mapped(_ error: StorageError) -> ComputeProblem {
        switch error.code {
        case .bucketNotFound, .objectNotFound, .relatedResourceMissing, .uploadNotFound: notFound
        case .blobMissing, .backendUnavailable: retry(.serviceUnavailable, "The image can't be read now")
        case .originUnavailable: retry(.badGateway, error.message)
        case .originTimedOut: retry(.gatewayTimeout, error.message)
        case .timedOut, .renderTimedOut, .databaseReadOnly, .databaseSchema: retry(.serviceUnavailable, error.message)
        case .invalidBucketName, .invalidKey: invalidPath
        case .invalidRequest, .invalidParameter, .invalidRobotsRule, .invalidTag, .lengthMismatch, .digestMismatch,
            .invalidPart, .invalidPartOrder, .partTooSmall, .notConfigured, .unreadableImage:
            .init(.badRequest, error.message)
        case .mediaTypeNotAllowed: .init(.unsupportedMediaType, error.message)
        case .tooLarge, .imageTooLarge: .init(.contentTooLarge, "The file is too large")
        case .quotaExceeded: .init(.contentTooLarge, error.message)
        case .rangeNotSatisfiable:
            .init(.rangeNotSatisfiable, error.message, headers: error.resource.map { [.contentRange: "bytes */\($0)"] } ?? [:])
        case .preconditionFailed: .init(.preconditionFailed, error.message)
        case .uploadExpired: .init(.gone, error.message)
        // What exactly is wrong with a token is in the log.
        case .unauthenticated, .invalidToken, .wrongTokenScope, .credentialExpired:
            unauthorized("Could not validate credentials")
        case .accessDenied, .wrongRole, .signatureMismatch: .init(.forbidden, "Not enough permissions")
        case .locked: .init(.init(code: 423, reasonPhrase: "Locked"), error.message)
        case .overloaded, .tooManyConnections: retry(.tooManyRequests, error.message)
        case .bucketExists, .objectExists, .bucketNotEmpty, .bucketReferenced, .tooManyObjects, .uploadComplete,
            .uploadOffsetMismatch, .uploadTaken, .unsupported, .alreadyRunning:
            .init(.conflict, error.message)
        case .databaseAborted, .databaseFailure, .clientDisconnected, .internal:
            .init(.internalServerError, "Internal Server Error")
        }
    }

    private static func retry(_ status: HTTPResponse.Status, _ detail: String) -> ComputeProblem {
        ComputeProblem(status, detail, headers: [.retryAfter: "1"])
    }
}

/// What is wrong with one part of a request, in the words of pydantic 2: clients compare `loc` and `type`.
struct InvalidPart: Hashable, Sendable {
    var type: String
    /// Where it is: `query` or `body`, and its name.
    var location: [String]
    var message: String
    /// What was sent. Nil: nothing was.
    var input: String?
    /// What pydantic calls `ctx`. Nil: nothing.
    var context: Context?

    enum Context: Hashable, Sendable {
        /// The name of the rule that was broken, and its value.
        case bound(String, Int64)
        /// An error of the application's own, which says no more of itself.
        case error
    }

    init(_ type: String, at location: [String], _ message: String, input: String? = nil, context: Context? = nil) {
        self.type = type
        self.location = location
        self.message = message
        self.input = input
        self.context = context
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("type", type)
            writer.key("loc")
            writer.array(location) { $0.string($1) }
            writer.field("msg", message)
            writer.field("input", input)
            guard let context else { return }
            writer.key("ctx")
            writer.object { writer in
                switch context {
                case .bound(let name, let value): writer.field(name, value)
                case .error:
                    writer.key("error")
                    writer.object { _ in }
                }
            }
        }
    }
}
