// SPDX-License-Identifier: Apache-2.0

import Crypto
public import NIOCore

/// Computes a digest piece by piece.
public struct Checksum: Sendable {
    private enum State: Sendable {
        case crc(CRC, UInt64)
        case sha1(Insecure.SHA1)
        case sha256(SHA256)
        case md5(Insecure.MD5)
    }

    private var state: State

    public init(_ algorithm: ChecksumAlgorithm) {
        switch algorithm {
        case .sha1: state = .sha1(Insecure.SHA1())
        case .sha256: state = .sha256(SHA256())
        case .md5: state = .md5(Insecure.MD5())
        case .crc32, .crc32c, .crc64nvme:
            guard let crc = CRC(algorithm) else { preconditionFailure("a CRC without a polynomial") }
            state = .crc(crc, 0)
        }
    }

    /// Adds the readable bytes.
    public mutating func update(_ buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { update($0) }
    }

    /// Adds bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .crc(let crc, let value): state = .crc(crc, crc.update(value, with: bytes))
        case .sha1(var hash):
            hash.update(bufferPointer: bytes)
            state = .sha1(hash)
        case .sha256(var hash):
            hash.update(bufferPointer: bytes)
            state = .sha256(hash)
        case .md5(var hash):
            hash.update(bufferPointer: bytes)
            state = .md5(hash)
        }
    }

    /// The digest of all bytes so far. More may follow.
    public var value: ChecksumValue {
        switch state {
        case .crc(let crc, let value): ChecksumValue(crc, value)
        case .sha1(let hash): ChecksumValue(.sha1, of: hash)
        case .sha256(let hash): ChecksumValue(.sha256, of: hash)
        case .md5(let hash): ChecksumValue(.md5, of: hash)
        }
    }

    /// The digest of bytes at hand.
    public static func of(_ bytes: some Collection<UInt8>, _ algorithm: ChecksumAlgorithm) -> ChecksumValue {
        var checksum = Checksum(algorithm)
        let contiguous: Void? = bytes.withContiguousStorageIfAvailable { checksum.update(UnsafeRawBufferPointer($0)) }
        if contiguous == nil { Array(bytes).withUnsafeBytes { checksum.update($0) } }
        return checksum.value
    }
}

extension ChecksumValue {
    fileprivate init(_ algorithm: ChecksumAlgorithm, of hash: some HashFunction) {
        guard let value = ChecksumValue(algorithm, bytes: Array(hash.finalize())) else {
            preconditionFailure("a digest of another size")
        }
        self = value
    }
}
