// SPDX-License-Identifier: Apache-2.0

import WireFormats

/// What is known of the bytes of an upload so far.
public struct UploadDigest: Hashable, Sendable {
    /// In lower-case hex. Of one piece: its MD5. Of several appends: MD5 over the digest before and the MD5 of the append,
    /// 16 bytes each. Of parts: MD5 over the parts' MD5s.
    public var md5: String
    /// How many appends or parts there were.
    public var pieces: Int
    /// The CRC-64/NVME of all bytes, in base64.
    public var crc64nvme: String

    public init(md5: String, pieces: Int, crc64nvme: String) {
        self.md5 = md5
        self.pieces = pieces
        self.crc64nvme = crc64nvme
    }

    /// Of no bytes.
    public static let empty = UploadDigest(md5: "d41d8cd98f00b204e9800998ecf8427e", pieces: 0, crc64nvme: "AAAAAAAAAAA=")

    /// The digests by the names of their algorithms, as far as they are digests of the whole.
    public var checksums: [String: String] { [ChecksumAlgorithm.crc64nvme.name: crc64nvme] }

    /// The digest with a piece of `byteCount` bytes behind it. No bytes are no piece.
    func adding(md5 piece: ChecksumValue, crc64nvme crc: ChecksumValue, byteCount: Int64) -> UploadDigest {
        guard byteCount > 0 else { return self }
        guard pieces > 0, let before = ChecksumValue(.md5, hexadecimal: md5),
            let crcBefore = ChecksumValue(.crc64nvme, base64: crc64nvme)
        else { return UploadDigest(md5: piece.hexadecimal, pieces: 1, crc64nvme: crc.base64) }
        let whole = ChecksumValue(joining: [
            // How many bytes stand in front does not matter to a CRC.
            ChecksummedPart(value: crcBefore, byteCount: 0), ChecksummedPart(value: crc, byteCount: UInt64(byteCount)),
        ])
        return UploadDigest(
            md5: Checksum.of(before.bytes + piece.bytes, .md5).hexadecimal, pieces: pieces + 1,
            crc64nvme: (whole ?? crc).base64)
    }

    /// The digest of parts put together, in their order. Nil when one of them lacks a digest.
    static func joining(_ parts: [UploadPart]) -> UploadDigest? {
        let md5s = parts.compactMap { part in part.md5.flatMap { ChecksumValue(.md5, hexadecimal: $0) } }
        let crcs = parts.compactMap { part in
            part.checksums[ChecksumAlgorithm.crc64nvme.name].flatMap { ChecksumValue(.crc64nvme, base64: $0) }
                .map { ChecksummedPart(value: $0, byteCount: UInt64(part.size)) }
        }
        guard md5s.count == parts.count, crcs.count == parts.count, let composite = CompositeChecksum(md5s),
            let crc = ChecksumValue(joining: crcs)
        else { return nil }
        return UploadDigest(md5: composite.value.hexadecimal, pieces: parts.count, crc64nvme: crc.base64)
    }
}
