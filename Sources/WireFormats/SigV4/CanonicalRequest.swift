// SPDX-License-Identifier: Apache-2.0

/// The one text that client and server make of a request, to sign it.
public struct CanonicalRequest: Hashable, Sendable {
    /// How the path gets into the text.
    public enum PathForm: Hashable, Sendable {
        /// As it was sent. S3 means this one.
        case asSent
        /// Decoded once, then encoded with all but unreserved characters and `/` escaped: for clients that sign the escaped
        /// path and send another.
        case reencoded
    }

    public let text: String

    /// - Parameters:
    ///   - signedFields: Names in lower case, sorted. A name without a field gives an empty value.
    ///   - payload: The last line, as `x-amz-content-sha256` has it.
    public init(
        _ head: RequestHead, signedFields: [String], payload: String, path form: PathForm = .asSent
    ) throws(SigV4Error) {
        var text = ""
        text.reserveCapacity(Self.usualLength)
        text += head.method
        text += "\n"
        text += Self.path(head.path, form)
        text += "\n"
        if let query = head.query { text += try Self.query(query) }
        text += "\n"
        for name in signedFields {
            text += name
            var separator = ":"
            for field in head.fields where field.name == name {
                text += separator
                text += Self.folded(field.value)
                separator = ","
            }
            // A field that was signed and did not come has no value.
            text += separator == ":" ? ":\n" : "\n"
        }
        text += "\n"
        for (index, name) in signedFields.enumerated() {
            if index > 0 { text += ";" }
            text += name
        }
        text += "\n"
        text += payload
        self.text = text
    }

    /// Most are shorter, in bytes.
    private static let usualLength = 512

    /// What the key signs.
    func stringToSign(time: SigningTime, scope: CredentialScope) -> String {
        let digest = Checksum.of(text.utf8, .sha256).hexadecimal
        return "\(SignedRequest.algorithm)\n\(time.basic)\n\(scope)\n\(digest)"
    }

    static func path(_ raw: String, _ form: PathForm) -> String {
        let path = raw.isEmpty ? "/" : raw
        switch form {
        case .asSent: return path
        case .reencoded:
            // An escape that is none was meant as text.
            let bytes = PercentEncoding.decodeBytes(path.utf8, plusIsSpace: false) ?? Array(path.utf8)
            return PercentEncoding.encode(bytes: bytes, keeping: PercentEncoding.componentsBytes)
        }
    }

    /// Sorted by encoded name, then by value; a name alone has an empty value; without the signature itself. A `+` is a space
    /// here as it is where the query is read.
    static func query(_ raw: String) throws(SigV4Error) -> String {
        var pairs: [(name: String, value: String)] = []
        for pair in raw.utf8.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = PercentEncoding.decodeBytes(pair[..<equals], plusIsSpace: true),
                let value = PercentEncoding.decodeBytes(pair[equals...].dropFirst(), plusIsSpace: true)
            else { throw .malformedQuery }
            let encoded = PercentEncoding.encode(bytes: name, keeping: PercentEncoding.componentBytes)
            guard encoded != SignedRequest.Parameter.signature else { continue }
            pairs.append((encoded, PercentEncoding.encode(bytes: value, keeping: PercentEncoding.componentBytes)))
        }
        pairs.sort { ($0.name, $0.value) < ($1.name, $1.value) }
        return pairs.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// Without white space at its ends, and one space for each run of it.
    private static func folded(_ value: String) -> String {
        var previous = UInt8(ascii: " ")
        let isFolded = value.utf8.allSatisfy { byte in
            defer { previous = byte }
            return byte != UInt8(ascii: "\t") && (byte != UInt8(ascii: " ") || previous != UInt8(ascii: " "))
        }
        guard !isFolded || (previous == UInt8(ascii: " ") && !value.isEmpty) else { return value }
        let words = value.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }
}
