// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore
import WireFormats

/// The S3 protocol, at `/s3` and at `/storage/v1/s3`, and below a domain of its own.
public struct S3Frontend: Frontend {
    public struct Configuration: Sendable {
        /// The secret of Supabase's session form. Never logged.
        public var anonymousKey: String
        /// What clients are told of where buckets are.
        public var region: String
        /// `bucket.domain` is a bucket, `domain` itself the service. In lower case, without a port. Nil: there is none.
        public var domain: String?
        /// The largest document that a request may carry, in bytes.
        public var maxDocumentBytes: Int
        /// How long a day of a lifecycle rule is: what answers tell of the end of objects.
        public var lifecycleDay: LifecycleDay
        /// How long a client hears nothing while an object is made of its parts. Short enough for a client or a proxy that gives up
        /// a silent connection after ten seconds, and long enough for nearly all completions to end with the status they deserve.
        public var completionSilence: Duration

        public init(
            anonymousKey: String, region: String = "us-east-1", domain: String? = nil,
            maxDocumentBytes: Int = 4 << 20, lifecycleDay: LifecycleDay = .calendar,
            completionSilence: Duration = .seconds(4)
        ) {
            self.anonymousKey = anonymousKey
            self.region = region
            self.domain = domain?.lowercased()
            self.maxDocumentBytes = maxDocumentBytes
            self.lifecycleDay = lifecycleDay
            self.completionSilence = completionSilence
        }
    }

    public let name = "s3"
    let storage: Storage
    let configuration: Configuration
    let authentication: S3Authentication
    let signedReads: S3SignedReads

    public init(storage: Storage, configuration: Configuration) {
        self.storage = storage
        self.configuration = configuration
        self.authentication = S3Authentication(storage: storage, anonymousKey: configuration.anonymousKey)
        self.signedReads = S3SignedReads(authentication, frontend: name, hostID: Self.hostID)
    }

    /// Names this process in answers, for logs of several servers behind one name.
    private static let hostID = RequestID.next()

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        guard let target = S3Target(request.head, domain: configuration.domain) else { return nil }
        var response: Response
        do {
            let call = try await S3Call(target: target, request: request, context: context, frontend: self)
            response = try await call.answer()
        } catch {
            response = render(S3Error(error), to: request, context.trace)
        }
        await S3CrossOrigin(request, target, storage).decorate(&response, context.trace)
        response.headers[.amzRequestID] = context.trace.requestID
        response.headers[.amzID2] = Self.hostID
        return response
    }

    public func preflight(_ request: Request, context: MagpieRequestContext) async -> Response? {
        guard let target = S3Target(request.head, domain: configuration.domain) else { return nil }
        context.trace.operation = "cors.preflight"
        do {
            return try await S3CrossOrigin(request, target, storage).preflight(context.trace)
        } catch {
            return render(S3Error(error), to: request, context.trace)
        }
    }

    /// Whether a request that looks like another dialect's public read may be this one's: below its domain, or signed.
    public static func claims(_ request: HotRequest, domain: String?) -> Bool {
        if let domain, let host = request["host"], S3Target.isBelow(domain, host: host) { return true }
        return request["authorization"]?.hasPrefix("AWS4-HMAC-SHA256") ?? false
    }

    /// The answer to a signed request that is in memory.
    public func hotAnswer(to request: HotRequest) -> HotAnswer? {
        // Below a domain of its own the same target names other objects.
        if let domain = configuration.domain, let host = request["host"], S3Target.isBelow(domain, host: host) { return nil }
        return signedReads.answer(to: request)
    }

    private func render(_ error: S3Error, to request: Request, _ trace: RequestTrace) -> Response {
        let document = document(of: error, for: request, trace)
        var headers = error.headers
        if request.mayHaveUnreadBody { headers[.connection] = "close" }
        // RFC 9110 §15.4.5: neither has a body; a client that reads on after HEAD must find the next answer.
        guard request.method != .head, error.status != .notModified else {
            return Response(status: error.status, headers: headers)
        }
        return .xml(document, status: error.status, headers: headers)
    }

    /// What a client reads of an error, and notes it for the log.
    func document(of error: S3Error, for request: Request, _ trace: RequestTrace) -> XMLWriter {
        trace.error = error.cause.map { "\(error.code) <- \($0)" } ?? "\(error.code): \(error.message)"
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        return error.document(
            resource: PercentEncoding.decode(path) ?? String(path), requestID: trace.requestID, hostID: Self.hostID)
    }
}

extension Response {
    /// A document as S3 sends it.
    static func xml(_ document: XMLWriter, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/xml"
        return Response(status: status, headers: headers, body: .init(byteBuffer: document.buffer))
    }
}
