// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

/// Ready answers to plain reads of small objects, signed by somebody whom no policy binds, for the connection to give without
/// leaving its event loop once the signature was verified.
struct S3SignedReads: Sendable {
    /// Fields with this prefix that change nothing about the answer, or only its variant.
    private static let knownFields: Set<String> = [
        "x-amz-date", "x-amz-content-sha256", "x-amz-user-agent", "x-amz-checksum-mode",
    ]

    private let answers = HotReads(for: .unboundRole)
    private let authentication: S3Authentication
    private let frontend: String
    private let hostID: String

    init(_ authentication: S3Authentication, frontend: String, hostID: String) {
        self.authentication = authentication
        self.frontend = frontend
        self.hostID = hostID
    }

    /// Keeps the answer to a plain read for the next time.
    func remember(_ delivered: Delivered, headers: HTTPFields, to call: S3Call) {
        let fields = call.request.headers
        guard case .policy(let caller) = call.identity.access, call.storage.keepsReads(of: caller.principal),
            fields[.authorization] != nil, Self.isPlain(fields.map(\.name.canonicalName))
        else { return }
        var headers = headers
        headers[.amzID2] = hostID
        answers.remember(
            delivered, headers: headers, answering: call.request, variant: Self.variant(fields[.amzChecksumMode]),
            requestIDField: HTTPField.Name.amzRequestID.canonicalName, by: frontend, operation: call.operation.name,
            in: call.storage)
    }

    /// The answer to a request that is plain and signed by one who may have it. Nil leaves it to the ordinary way, which also
    /// says what is wrong with it.
    func answer(to request: HotRequest) -> HotAnswer? {
        guard let answer = answers.answer(to: request, variant: Self.variant(request["x-amz-checksum-mode"])) else { return nil }
        let head = RequestHead(
            method: "GET", path: request.target, query: nil, fields: request.fields.map { NamedValue($0.name, $0.value) })
        guard Self.isPlain(head.fields.map(\.name)), authentication.isSignedByUnboundRole(head) else { return nil }
        return answer
    }

    /// Whether nothing but the target decides what is answered.
    private static func isPlain(_ names: [String]) -> Bool {
        names.allSatisfy { $0 != "origin" && (!$0.hasPrefix("x-amz-") || knownFields.contains($0)) }
    }

    private static func variant(_ checksumMode: String?) -> String {
        checksumMode?.uppercased() == "ENABLED" ? "checksums" : ""
    }
}
