// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import NIOCore
import NIOHTTP1

/// Why a request is turned away before any front-end sees it.
struct RequestRefusal: Error, Equatable {
    var status: HTTPResponseStatus
    var message: String

    static let headersTooLarge = RequestRefusal(
        status: .requestHeaderFieldsTooLarge, message: "The header fields of the request are too large")
    static let targetTooLong = RequestRefusal(status: .uriTooLong, message: "The request target is too long")
    static let malformed = RequestRefusal(status: .badRequest, message: "The request is malformed")
    static let ambiguousHost = RequestRefusal(status: .badRequest, message: "The request must have exactly one Host field")
    static let ambiguousLength = RequestRefusal(
        status: .badRequest, message: "The request must state the length of its body in exactly one way")
    static let unknownCoding = RequestRefusal(status: .notImplemented, message: "Only the transfer coding chunked is supported")
    static let unsupportedVersion = RequestRefusal(
        status: .httpVersionNotSupported, message: "Only HTTP/1.0 and HTTP/1.1 are supported")
    static let headTimeout = RequestRefusal(status: .requestTimeout, message: "The head of the request did not arrive in time")

    /// What is wrong with a head that was parsed. Nil when nothing is.
    init?(checking head: HTTPRequestHead, limits: ConnectionLimits) {
        guard head.version.major == 1, head.version.minor <= 1 else {
            self = .unsupportedVersion
            return
        }
        guard head.uri.utf8.count <= limits.targetBytes else {
            self = .targetTooLong
            return
        }
        guard head.headers.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }) <= limits.headerBytes else {
            self = .headersTooLarge
            return
        }
        // RFC 9112 §3.2: one Host field, and in HTTP/1.1 not none.
        let hosts = head.headers[canonicalForm: "host"].count
        guard hosts == 1 || hosts == 0 && head.version.minor == 0 else {
            self = .ambiguousHost
            return
        }
        // RFC 9112 §6: the parser refuses contradictions, too; smuggling is worth a second lock.
        let codings = head.headers["transfer-encoding"]
        let lengths = head.headers["content-length"]
        guard lengths.count <= 1, lengths.isEmpty || codings.isEmpty else {
            self = .ambiguousLength
            return
        }
        guard lengths.allSatisfy({ Int64($0) != nil && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            self = .malformed
            return
        }
        guard codings.isEmpty || codings.count == 1 && codings.allSatisfy({ $0.lowercased() == "chunked" }) else {
            self = .unknownCoding
            return
        }
        return nil
    }

    /// What is wrong with the head of an HTTP/2 stream, whose framing has no ambiguities. Nil when nothing is.
    init?(checking head: HTTPRequest, limits: ConnectionLimits) {
        guard head.path?.utf8.count ?? 0 <= limits.targetBytes else {
            self = .targetTooLong
            return
        }
        guard head.headerFields.reduce(0, { $0 + $1.name.rawName.utf8.count + $1.value.utf8.count + 4 }) <= limits.headerBytes
        else {
            self = .headersTooLarge
            return
        }
        return nil
    }

    init(status: HTTPResponseStatus, message: String) {
        self.status = status
        self.message = message
    }

    /// What the decoder's error means to the client.
    init(_ error: any Error, hasRequestLine: Bool) {
        switch error as? HTTPParserError {
        case .some(.headerOverflow): self = hasRequestLine ? .headersTooLarge : .targetTooLong
        case .some(.invalidVersion): self = .unsupportedVersion
        case .some(.unexpectedContentLength), .some(.invalidContentLength): self = .ambiguousLength
        default: self = .malformed
        }
    }

    /// The body of the answer, in the form of the root dialect.
    var body: ByteBuffer {
        ByteBuffer(
            string: JSONWriter.object { writer in
                writer.field("statusCode", String(status.code))
                writer.field("error", status.reasonPhrase)
                writer.field("message", message)
                writer.field("code", "InvalidRequest")
            })
    }
}
