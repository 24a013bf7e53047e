// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// The key of an Azure storage account, which signs requests: "Authorize with Shared Key", the scheme of versions since 2009-09-19.
public struct SharedKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    public let account: String
    private let key: SymmetricKey

    /// Fields whose values are signed without their names, in this order. `Date` is among them, and stays empty: `x-ms-date` stands
    /// for it.
    private static let standardFields = [
        "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date", "if-modified-since",
        "if-match", "if-none-match", "if-unmodified-since", "range",
    ]

    /// Nil when the account has no name or the key is no base64.
    public init?(account: String, base64Key: String) {
        guard !account.isEmpty, let bytes = Data(base64Encoded: base64Key), !bytes.isEmpty else { return nil }
        self.account = account
        key = SymmetricKey(data: bytes)
    }

    /// Never the key.
    public var description: String { "SharedKey(\(account))" }
    public var debugDescription: String { description }

    /// The value of Authorization.
    /// - Parameter head: With `x-ms-date`, `x-ms-version`, and `content-length` where there is a body. Path and query are signed as
    ///   they are, so they must be sent so.
    /// - Throws: `SigV4Error.malformedQuery` for a query that is none.
    public func authorization(for head: RequestHead) throws(SigV4Error) -> String {
        "SharedKey \(account):\(sign(try stringToSign(head)))"
    }

    func stringToSign(_ head: RequestHead) throws(SigV4Error) -> String {
        func value(_ name: String) -> String {
            let text = head.values(of: name).joined(separator: ",")
            // Versions since 2015-02-21 take no body for no length.
            return name == "content-length" && text == "0" ? "" : text
        }
        let lines = [head.method] + Self.standardFields.map(value)
        let resource = try "/\(account)\(head.path)" + canonicalQuery(head.query)
        return lines.joined(separator: "\n") + "\n" + canonicalFields(head) + resource
    }

    /// `x-ms-` fields, in the order of their names.
    private func canonicalFields(_ head: RequestHead) -> String {
        Set(head.fields.map(\.name)).filter { $0.hasPrefix("x-ms-") }.sorted()
            .map { name in "\(name):\(head.values(of: name).joined(separator: ","))\n" }.joined()
    }

    /// Parameters by their names in lower case, decoded.
    private func canonicalQuery(_ query: String?) throws(SigV4Error) -> String {
        let parameters: QueryParameters
        do { parameters = try QueryParameters(parsing: query) } catch { throw .malformedQuery }
        let named = Dictionary(grouping: parameters.all, by: { $0.name.asciiLowercased() })
        return named.keys.sorted().map { name in
            "\n\(name):\((named[name] ?? []).map(\.value).sorted().joined(separator: ","))"
        }.joined()
    }

    func sign(_ text: String) -> String {
        Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key)).base64EncodedString()
    }
}
