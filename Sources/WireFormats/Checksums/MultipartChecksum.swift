// SPDX-License-Identifier: Apache-2.0

/// A part of a multipart upload, as its checksum sees it.
public struct ChecksummedPart: Hashable, Sendable {
    public var value: ChecksumValue
    public var byteCount: UInt64

    public init(value: ChecksumValue, byteCount: UInt64) {
        self.value = value
        self.byteCount = byteCount
    }
}

/// The digest of the parts' digests: S3's checksum type COMPOSITE, and with MD5 the ETag of a multipart object.
public struct CompositeChecksum: Hashable, Sendable {
    public let value: ChecksumValue
    public let partCount: Int

    /// - Parameter parts: In the order of their numbers.
    /// - Returns: nil when there are none or their algorithms differ.
    public init?(_ parts: [ChecksumValue]) {
        guard let algorithm = parts.first?.algorithm, parts.allSatisfy({ $0.algorithm == algorithm }) else { return nil }
        value = Checksum.of(parts.flatMap(\.bytes), algorithm)
        partCount = parts.count
    }

    /// `BASE64-N`, the value of the algorithm's header field.
    public var base64: String { "\(value.base64)-\(partCount)" }

    /// `HEX-N`, an ETag without its quotes.
    public var hexadecimal: String { "\(value.hexadecimal)-\(partCount)" }
}

extension ChecksumValue {
    /// The digest of a whole from those of its parts: S3's checksum type FULL_OBJECT.
    /// - Parameter parts: In the order of their numbers.
    /// - Returns: nil when there are none, their algorithms differ or the algorithm is no CRC.
    public init?(joining parts: [ChecksummedPart]) {
        guard let first = parts.first?.value, let crc = CRC(first.algorithm) else { return nil }
        var number = first.number
        for part in parts.dropFirst() {
            guard part.value.algorithm == first.algorithm else { return nil }
            number = crc.combine(number, part.value.number, bytesInSecond: part.byteCount)
        }
        self.init(crc, number)
    }
}
