// SPDX-License-Identifier: Apache-2.0

/// What a part of a form says of itself. RFC 7578 §4.
public struct MultipartPartHeader: Hashable, Sendable {
    /// The name of the field. May be empty: storage-js sends its file that way.
    public var name: String
    /// The sender's name of the file, unchecked.
    public var filename: String?
    /// The same as `filename*` says it, decoded, unchecked. RFC 7578 §4.2 forbids it, and .NET sends it beside a name in ASCII.
    public var extendedFilename: String?
    /// As sent; nil when it was not.
    public var contentType: String?

    public init(name: String, filename: String? = nil, contentType: String? = nil, extendedFilename: String? = nil) {
        self.name = name
        self.filename = filename
        self.extendedFilename = extendedFilename
        self.contentType = contentType
    }

    /// A part with a file name, or of a type that says "bytes", is a file. Anything else is a text field.
    public var isFile: Bool {
        filename != nil || contentType.map { $0.lowercased().hasPrefix("application/octet-stream") } ?? false
    }

    /// - Parameter block: the header lines, each ended by CRLF, without the empty line that ends them.
    init(parsing block: some Collection<UInt8>) throws(MultipartFormError) {
        self.init(name: "")
        var disposition: HeaderParameters?
        var rest = Array(block)[...]
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\r")), rest[end...].starts(with: [0x0D, 0x0A]) else {
                throw .malformedHeader
            }
            let line = rest[..<end]
            rest = rest[(end + 2)...]
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy(ByteSet.token.contains), !line.contains(where: { $0 == 0x0A || $0 == 0 })
            else { throw .malformedHeader }
            let value = line[(colon + 1)...]
            switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
            case "content-disposition":
                guard disposition == nil, let parsed = HeaderParameters(parsing: value) else { throw .malformedHeader }
                disposition = parsed
            case "content-type": contentType = contentType ?? Self.trimmed(value)
            case "content-transfer-encoding":
                guard ["binary", "8bit", "7bit"].contains(Self.trimmed(value).lowercased()) else {
                    throw .unsupportedTransferEncoding
                }
            default: break
            }
        }
        guard let disposition, disposition.value == "form-data", let name = disposition["name"] else { throw .malformedHeader }
        self.name = name
        self.filename = disposition["filename"]
        self.extendedFilename = disposition["filename*"].flatMap(Self.extended)
    }

    /// The value of an extended parameter in UTF-8, `utf-8''caf%C3%A9.jpg`. RFC 8187 §3.2.
    private static func extended(_ value: String) -> String? {
        let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].lowercased() == "utf-8" else { return nil }
        return PercentEncoding.decode(String(parts[2]))
    }

    private static func trimmed(_ value: ArraySlice<UInt8>) -> String {
        let text = String(decoding: value, as: UTF8.self)
        return String(Substring(text[...].utf8.trimmingOWS()))
    }
}
