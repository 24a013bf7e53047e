// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

/// One request to this dialect, decoded as far as all operations need it, by somebody known.
struct S3Call: Sendable {
    let operation: S3Operation
    let target: S3Target
    let request: Request
    let query: QueryParameters
    let identity: S3Identity
    let context: MagpieRequestContext
    let frontend: S3Frontend

    var storage: Storage { frontend.storage }
    var configuration: S3Frontend.Configuration { frontend.configuration }

    /// - Throws: `S3Error` for an operation that is not there or a query that can't be read; `SigV4Error` for a signature that is wrong.
    init(target: S3Target, request: Request, context: MagpieRequestContext, frontend: S3Frontend) async throws {
        let text = request.head.path ?? "/"
        let path = text.prefix { $0 != "?" }
        let rawQuery = path.endIndex == text.endIndex ? nil : String(text[text.index(after: path.endIndex)...])
        do {
            query = try QueryParameters(parsing: rawQuery)
        } catch {
            throw S3Error.invalidURI
        }
        operation = try S3Route.operation(
            request.method, target.resource, query: query, copies: request.headers[.amzCopySource] != nil)
        context.trace.operation = operation.name
        let facts = RequestFacts(
            operation: Operation(operation.name), method: request.method.rawValue, path: text,
            headers: request.headers.map { ($0.name.canonicalName, $0.value) }, requestID: context.trace.requestID)
        identity = try await frontend.authentication.identity(
            Self.wireHead(request, path: String(path), query: rawQuery),
            outerPath: Self.outerPath(request, target, domain: frontend.configuration.domain), facts: facts)
        self.target = target
        self.request = request
        self.context = context
        self.frontend = frontend
    }

    /// The path as the client signed it, where a proxy says what it cut off its front. The field is anybody's to send, so it counts
    /// only where the longer path names the same object: else a signature for one would open another.
    private static func outerPath(_ request: Request, _ target: S3Target, domain: String?) -> String? {
        guard let prefix = request.headers[.forwardedPrefix], prefix.hasPrefix("/"), !prefix.contains("?"),
            let path = request.head.path
        else { return nil }
        var outer = request.head
        outer.path = prefix + path
        guard S3Target(outer, domain: domain) == target else { return nil }
        return prefix + path.prefix { $0 != "?" }
    }

    private static func wireHead(_ request: Request, path: String, query: String?) -> RequestHead {
        var fields = request.headers.map { NamedValue($0.name.canonicalName, $0.value) }
        if let authority = request.head.authority { fields.append(NamedValue("host", authority)) }
        return RequestHead(method: request.method.rawValue, path: path, query: query, fields: fields)
    }
}

extension HTTPField.Name {
    fileprivate static let forwardedPrefix = known("x-forwarded-prefix")
}

// MARK: - Who and what

extension S3Call {
    var facts: RequestFacts { identity.access.facts }

    /// Who calls. - Throws: `S3Error.accessDenied` for nobody in particular.
    func caller() throws(S3Error) -> Caller {
        guard case .policy(let caller) = identity.access else { throw .accessDenied }
        return caller
    }

    func bucket() throws -> BucketID {
        guard let raw = target.rawBucket else { throw S3Error.methodNotAllowed }
        let bucket = try BucketID(existing: try Self.decoded(raw))
        context.trace.bucket = bucket
        return bucket
    }

    func address() throws -> ObjectAddress {
        guard let raw = target.rawKey else { throw S3Error.methodNotAllowed }
        return ObjectAddress(bucket: try bucket(), key: try Self.key(try Self.decoded(raw)))
    }

    /// - Throws: `S3Error.keyTooLong`; `StorageError` `.invalidKey`.
    static func key(_ text: String) throws -> ObjectKey {
        guard text.utf8.count <= ObjectKey.maxBytes else { throw S3Error.keyTooLong }
        return try ObjectKey(text)
    }

    static func decoded(_ raw: String) throws(S3Error) -> String {
        guard let text = PercentEncoding.decode(raw) else { throw .invalidURI }
        return text
    }

    /// The version asked for.
    func versionID() throws(S3Error) -> VersionID? {
        guard let text = query["versionId"] else { return nil }
        guard !text.isEmpty else {
            throw .invalidArgument("versionId", "", "Version id cannot be the empty string")
        }
        guard text.utf8.count <= 128, !text.utf8.contains(0) else {
            throw .invalidArgument("versionId", text, "Invalid version id specified")
        }
        return VersionID(text)
    }

    /// The largest document of settings, in bytes: S3's own limit for pages of other origins.
    static let maxSettingsBytes = 64 << 10

    /// The document in the body.
    /// - Parameters:
    ///   - limit: In bytes.
    ///   - headers: What of the head is about the body. Nil: all of it.
    /// - Throws: `XMLError`, `S3Error`: for nobody in particular before a byte was read.
    func document(
        _ root: String, limit: Int = S3Call.maxSettingsBytes, headers: HTTPFields? = nil
    ) async throws -> XMLTree {
        _ = try caller()
        let bytes = try await S3Body(request, identity, context, digests: headers).collect(upTo: limit)
        let tree = try XMLTree(parsing: bytes, limits: .init(bytes: limit))
        guard tree.name == root else { throw S3Error.malformedXML }
        return tree
    }
}
