// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A digest and what computed it.
public struct ChecksumValue: Hashable, Sendable {
    public let algorithm: ChecksumAlgorithm
    /// `algorithm.byteCount` bytes. A CRC has its highest byte first.
    public let bytes: [UInt8]

    /// - Returns: nil when the digest has not the algorithm's size.
    public init?(_ algorithm: ChecksumAlgorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Reads the value of the algorithm's header field.
    /// - Returns: nil when the text is no base64 (RFC 4648 §4, with padding) of a digest of that size.
    public init?(_ algorithm: ChecksumAlgorithm, base64 text: String) {
        guard let decoded = Data(base64Encoded: text) else { return nil }
        self.init(algorithm, bytes: Array(decoded))
    }

    /// Reads a digest in hexadecimal digits, as in `x-amz-content-sha256` and ETags.
    public init?(_ algorithm: ChecksumAlgorithm, hexadecimal text: some StringProtocol) {
        guard let bytes = Hexadecimal.decode(text, count: algorithm.byteCount) else { return nil }
        self.init(algorithm, bytes: bytes)
    }

    init(_ crc: CRC, _ value: UInt64) {
        algorithm = crc.algorithm
        bytes = (0..<crc.algorithm.byteCount).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }

    /// The value of the algorithm's header field.
    public var base64: String { Data(bytes).base64EncodedString() }

    /// In lower case.
    public var hexadecimal: String { Hexadecimal.encode(bytes) }

    /// The bytes as a number: a CRC's value.
    var number: UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}
