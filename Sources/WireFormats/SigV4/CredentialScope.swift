// SPDX-License-Identifier: Apache-2.0

/// What a signing key is good for: one day, one region, one service.
public struct CredentialScope: Hashable, Sendable, CustomStringConvertible {
    /// The last part of every scope.
    static let terminator = "aws4_request"

    /// `20130524`.
    public let day: String
    public let region: String
    public let service: String

    public init(day: String, region: String, service: String = "s3") {
        self.day = day
        self.region = region
        self.service = service
    }

    /// `20130524/us-east-1/s3/aws4_request`.
    public var description: String { "\(day)/\(region)/\(service)/\(Self.terminator)" }
}

/// The `Credential` of a signature: whose key, and its scope.
public struct Credential: Hashable, Sendable, CustomStringConvertible {
    public let accessKeyID: String
    public let scope: CredentialScope

    public init(accessKeyID: String, scope: CredentialScope) {
        self.accessKeyID = accessKeyID
        self.scope = scope
    }

    /// Reads `AKID/20130524/us-east-1/s3/aws4_request`. The id may hold slashes, the region may be empty.
    init?(_ text: Substring) {
        let parts = text.parts(separatedBy: "/")
        guard parts.count >= 5, parts[parts.count - 1] == CredentialScope.terminator else { return nil }
        let day = parts[parts.count - 4]
        let service = parts[parts.count - 2]
        let id = parts.dropLast(4).joined(separator: "/")
        guard day.utf8.count == 8, SigningTime(basic: day + "T000000Z") != nil, !service.isEmpty, !id.isEmpty else { return nil }
        self.init(
            accessKeyID: id,
            scope: CredentialScope(day: String(day), region: String(parts[parts.count - 3]), service: String(service)))
    }

    /// `AKID/20130524/us-east-1/s3/aws4_request`.
    public var description: String { "\(accessKeyID)/\(scope)" }
}
