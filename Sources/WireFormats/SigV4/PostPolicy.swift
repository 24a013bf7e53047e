// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Why an upload by form was refused. Each case names the error that S3 answers with.
public enum PostPolicyError: Error, Hashable, Sendable {
    /// The policy is no base64 of a JSON document of the right shape. 400 `InvalidPolicyDocument`.
    case malformed(String)
    /// 403 `AccessDenied`, "Policy expired".
    case expired
    /// A condition is not met. 403 `AccessDenied`.
    case conditionFailed(String)
    /// A field that no condition speaks of. 403 `AccessDenied`.
    case unexpectedField(String)
    /// More bytes than the policy allows. 400 `EntityTooLarge`.
    case tooLarge(limit: Int64)
    /// Fewer bytes than the policy demands. 400 `EntityTooSmall`.
    case tooSmall(minimum: Int64)
    /// Neither the fields of a Version 4 signature nor those of a Version 2 signature are there. 400 `InvalidArgument`.
    case missingField(String)
    /// A field of the signature cannot be read. 400 `InvalidArgument`.
    case malformedField(String)
    /// 403 `SignatureDoesNotMatch`.
    case signatureMismatch
}

/// The policy of an upload by form: until when it may be sent, and what its fields must say.
public struct PostPolicy: Hashable, Sendable {
    /// Field names are in lower case and without `$`.
    public enum Condition: Hashable, Sendable {
        case equals(field: String, value: String)
        case startsWith(field: String, prefix: String)
        /// The bytes of the file.
        case contentLength(ClosedRange<Int64>)
    }

    /// The most bytes of a policy, encoded. S3's own limit is 20 KB for the whole form without its file.
    public static let maxBytes = 20 * 1024

    public let expiration: SigningTime
    public let conditions: [Condition]

    /// - Parameter base64: The field `policy`, as it was sent.
    public init(base64: String) throws(PostPolicyError) {
        guard base64.utf8.count <= Self.maxBytes else { throw .malformed("more than \(Self.maxBytes) bytes") }
        // Some forms break the line.
        let text = base64.filter { !$0.isWhitespace }
        guard let data = Data(base64Encoded: text) else { throw .malformed("no base64") }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: data)
        } catch {
            throw .malformed("the document must have an expiration and a list of conditions")
        }
        guard let expiration = SigningTime(extended: document.expiration) else {
            throw .malformed("the expiration must be of the form 2013-05-24T00:00:00Z")
        }
        guard !document.conditions.isEmpty else { throw .malformed("no conditions") }
        self.expiration = expiration
        conditions = document.conditions.flatMap(\.conditions)
    }

    /// The bytes that the file may have.
    public var contentLength: ClosedRange<Int64> {
        conditions.reduce(0...Int64.max) { range, condition in
            guard case .contentLength(let next) = condition else { return range }
            let lower = max(range.lowerBound, next.lowerBound)
            return lower...max(lower, min(range.upperBound, next.upperBound))
        }
    }

    /// Checks the time and the form's fields, all that is known before the file is read.
    /// - Parameter fields: Those of the form before its file, and `bucket` from the URL.
    public func check(_ fields: [NamedValue], now: SigningTime) throws(PostPolicyError) {
        guard now < expiration else { throw .expired }
        var covered: Set<String> = []
        for condition in conditions {
            switch condition {
            case .equals(let field, let value):
                covered.insert(field)
                guard let sent = try Self.value(of: field, in: fields), sent.isSameBytes(as: value) else {
                    throw .conditionFailed("eq $\(field)")
                }
            case .startsWith(let field, let prefix):
                covered.insert(field)
                guard Self.isMet(try Self.value(of: field, in: fields), prefix: prefix, field: field) else {
                    throw .conditionFailed("starts-with $\(field)")
                }
            case .contentLength: break
            }
        }
        for field in fields where !covered.contains(field.name) && !Self.isFree(field.name) {
            throw .unexpectedField(field.name)
        }
    }

    /// Checks the size of the file.
    public func check(byteCount: Int64) throws(PostPolicyError) {
        for case .contentLength(let range) in conditions {
            guard byteCount <= range.upperBound else { throw .tooLarge(limit: range.upperBound) }
            guard byteCount >= range.lowerBound else { throw .tooSmall(minimum: range.lowerBound) }
        }
    }

    /// A field that was not sent is no field with an empty value, save for a prefix of nothing.
    private static func value(of name: String, in fields: [NamedValue]) throws(PostPolicyError) -> String? {
        let values = fields.filter { $0.name == name }
        guard values.count <= 1 else { throw .malformedField(name) }
        return values.first?.value
    }

    private static func isMet(_ value: String?, prefix: String, field: String) -> Bool {
        guard let value else { return prefix.isEmpty }
        // Several types may be sent, and each has to be allowed.
        guard field == "content-type" else { return value.utf8.starts(with: prefix.utf8) }
        return value[...].parts(separatedBy: ",").allSatisfy {
            $0.trimmingBlanks().utf8.starts(with: prefix.utf8)
        }
    }

    /// Fields that need no condition: those of the signature itself, and what the client marks as not for the server.
    private static func isFree(_ name: String) -> Bool {
        name.hasPrefix("x-ignore-")
            || [
                "policy", "file", "signature", "awsaccesskeyid", "x-amz-signature", "x-amz-algorithm", "x-amz-credential",
                "x-amz-date",
                "x-amz-security-token",
            ].contains(name)
    }
}

/// The JSON of a policy. Its two keys are compared with regard to case, as S3 does.
private struct Document: Decodable {
    let expiration: String
    let conditions: [Entry]

    /// An object of exact matches, or a list of an operator and its two operands.
    struct Entry: Decodable {
        let conditions: [PostPolicy.Condition]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let matches = try? container.decode([String: String].self) {
                guard !matches.isEmpty else { throw Self.malformed(container) }
                conditions = matches.sorted { $0.key < $1.key }.map { .equals(field: $0.key.asciiLowercased(), value: $0.value) }
                return
            }
            let list = try container.decode([Operand].self)
            guard list.count == 3, case .text(let name) = list[0] else { throw Self.malformed(container) }
            switch (name.asciiLowercased(), list[1], list[2]) {
            case ("eq", .text(let field), .text(let value)) where field.hasPrefix("$"):
                conditions = [.equals(field: field.dropFirst().asciiLowercased(), value: value)]
            case ("starts-with", .text(let field), .text(let prefix)) where field.hasPrefix("$"):
                conditions = [.startsWith(field: field.dropFirst().asciiLowercased(), prefix: prefix)]
            case ("content-length-range", let first, let second):
                guard let lower = first.number, let upper = second.number, lower >= 0, lower <= upper else {
                    throw Self.malformed(container)
                }
                conditions = [.contentLength(lower...upper)]
            default: throw Self.malformed(container)
            }
        }

        private static func malformed(_ container: any SingleValueDecodingContainer) -> DecodingError {
            .dataCorruptedError(in: container, debugDescription: "no condition")
        }
    }

    enum Operand: Decodable {
        case text(String)
        case integer(Int64)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .integer(try container.decode(Int64.self))
            }
        }

        /// Some clients write numbers as text.
        var number: Int64? {
            switch self {
            case .text(let text): Int64(text)
            case .integer(let number): number
            }
        }
    }
}
