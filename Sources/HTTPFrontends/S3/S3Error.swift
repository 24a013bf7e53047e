// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// An error as S3 writes it: the status that Amazon S3 gives, its code, and a message for people.
struct S3Error: Error {
    var status: HTTPResponse.Status
    var code: String
    var message: String
    /// Further elements of the document, such as `BucketName`.
    var details: [Detail] = []
    var headers: HTTPFields = [:]
    /// For the log.
    var cause: (any Error)?

    /// An element that some codes have in their document.
    struct Detail: Hashable {
        var name: StaticDetailName
        var value: String
    }

    /// The names that such elements have.
    enum StaticDetailName: Hashable { case argumentName, argumentValue, header, role, command, table }

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// Without what no document of XML 1.0 can have, be it by number: a client must be able to read why it was refused.
    private static func readable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isReadable($0) ? $0 : "\u{FFFD}" }))
    }

    private static func isReadable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\r": true
        case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": false
        default: true
        }
    }

    /// The document. - Parameter resource: the path asked for.
    func document(resource: String, requestID: String, hostID: String) -> XMLWriter {
        var xml = XMLWriter(capacity: 512)
        xml.element("Error") { xml in
            xml.element("Code", text: code)
            xml.element("Message", text: Self.readable(message))
            for detail in details { Detail(name: detail.name, value: Self.readable(detail.value)).write(to: &xml) }
            xml.element("Resource", text: Self.readable(resource))
            xml.element("RequestId", text: requestID)
            xml.element("HostId", text: hostID)
        }
        return xml
    }
}

extension S3Error.Detail {
    fileprivate func write(to xml: inout XMLWriter) {
        switch name {
        case .argumentName: xml.element("ArgumentName", text: value)
        case .argumentValue: xml.element("ArgumentValue", text: value)
        case .header: xml.element("Header", text: value)
        case .role: xml.element("Role", text: value)
        case .command: xml.element("Command", text: value)
        case .table: xml.element("Table", text: value)
        }
    }
}

// MARK: - What the dialect itself finds wrong

extension S3Error {
    static func notImplemented(_ what: String) -> S3Error {
        S3Error(.notImplemented, "NotImplemented", "This server does not have what the request asks for: \(what)")
    }
    static let methodNotAllowed = S3Error(
        .methodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    static let accessDenied = S3Error(.forbidden, "AccessDenied", "Access Denied")
    static let invalidURI = S3Error(.badRequest, "InvalidURI", "Couldn't parse the specified URI.")
    static let malformedXML = S3Error(
        .badRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
    static let missingContentLength = S3Error(
        .lengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    static let keyTooLong = S3Error(.badRequest, "KeyTooLongError", "Your key is too long")
    static let invalidDigest = S3Error(.badRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    static let noSuchVersion = S3Error(.notFound, "NoSuchVersion", "The specified version does not exist.")
    static let preconditionFailed = S3Error(
        .preconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")

    static func badDigest(_ what: String) -> S3Error {
        S3Error(.badRequest, "BadDigest", "The \(what) you specified did not match the calculated checksum.")
    }
    static func invalidRequest(_ message: String) -> S3Error { S3Error(.badRequest, "InvalidRequest", message) }
    static func invalidArgument(_ name: String, _ value: String, _ message: String) -> S3Error {
        var error = S3Error(.badRequest, "InvalidArgument", message)
        error.details = [
            Detail(name: .argumentName, value: name), Detail(name: .argumentValue, value: String(value.prefix(256))),
        ]
        return error
    }
    static func unsupportedACL(_ what: String) -> S3Error {
        S3Error(
            .badRequest, "AccessControlListNotSupported",
            "Access is decided by the database's policies; a bucket can be made readable to all, and nothing else: \(what)")
    }
}

// MARK: - What the wire formats find wrong

extension S3Error {
    init(_ error: SigV4Error) {
        switch error {
        case .malformedAuthorization(let reason):
            self.init(.badRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed; \(reason)")
        case .malformedQueryAuthorization(let reason):
            self.init(.badRequest, "AuthorizationQueryParametersError", "Error parsing the authorization parameters; \(reason)")
        case .ambiguous(let reason): self.init(.badRequest, "InvalidArgument", "Only one auth mechanism allowed; \(reason)")
        case .malformedQuery: self = .invalidURI
        case .missingDate:
            self.init(.forbidden, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
        case .missingPayloadHash:
            self = .invalidRequest("Missing required header for this request: x-amz-content-sha256")
        case .invalidPayloadHash:
            self.init(
                .badRequest, "InvalidArgument",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING value, or a valid sha256 value.")
        case .timeTooSkewed:
            self.init(
                .forbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
        case .expired: self.init(.forbidden, "AccessDenied", "Request has expired")
        case .notYetValid: self.init(.forbidden, "AccessDenied", "Request is not yet valid")
        case .unsignedFields(let names):
            self.init(
                .forbidden, "AccessDenied",
                "There were headers present in the request which were not signed: \(names.joined(separator: ", "))")
        case .mismatch: self = .signatureMismatch
        }
        cause = error
    }

    static let signatureMismatch = S3Error(
        .forbidden, "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.")

    init(_ error: AWSChunkedError) {
        switch error {
        case .malformedChunk, .chunkHeaderTooLong, .dataAfterEnd: self = .invalidRequest("The chunked encoding is malformed")
        case .chunkTooLarge: self.init(.badRequest, "EntityTooLarge", "A chunk of the body is too large")
        case .chunkSignatureMismatch, .trailerSignatureMismatch: self = .signatureMismatch
        case .malformedTrailer, .trailerTooLarge:
            self.init(.badRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed.")
        case .missingTrailer(let name):
            self.init(.badRequest, "MalformedTrailerError", "The trailer \(name.prefix(64)) was announced and did not come.")
        case .lengthMismatch, .truncated: self = .incompleteBody
        }
        cause = error
    }

    static let incompleteBody = S3Error(
        .badRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
}
