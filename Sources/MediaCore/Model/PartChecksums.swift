// SPDX-License-Identifier: Apache-2.0

/// The checksums of the parts that an object was uploaded in, in their order: of the algorithm that the client chose.
public struct PartChecksums: Hashable, Sendable {
    /// The name of the algorithm, as in `BlobLocation.checksums`.
    public let algorithm: String
    /// In base64.
    public let values: [String]

    public init(algorithm: String, values: [String]) {
        self.algorithm = algorithm
        self.values = values
    }

    /// Those that `parts` have. Nil when one of them has none.
    init?(_ algorithm: String, of parts: [UploadPart]) {
        let values = parts.compactMap { $0.checksums[algorithm] }
        guard !values.isEmpty, values.count == parts.count else { return nil }
        self.init(algorithm: algorithm, values: values)
    }

    /// Reads `text`. Nil for anything else.
    public init?(text: String) {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard fields.count == 2, !fields[0].isEmpty, !fields[1].isEmpty else { return nil }
        self.init(
            algorithm: String(fields[0]),
            values: fields[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init))
    }

    /// `CRC32:NSRBwg==,Y0zQ9g==`.
    public var text: String { "\(algorithm):\(values.joined(separator: ","))" }
}
