// SPDX-License-Identifier: Apache-2.0

import CChecksums

/// A cyclic redundancy check of the reflected kind that starts with all ones and ends with an inversion.
///
/// Polynomials are registers of `width` bits whose bit i is the coefficient of x^(width-1-i).
struct CRC: Hashable, Sendable {
    let algorithm: ChecksumAlgorithm
    private let width: Int
    private let polynomial: UInt64

    /// - Returns: nil when the algorithm is no CRC.
    init?(_ algorithm: ChecksumAlgorithm) {
        self.algorithm = algorithm
        switch algorithm {
        case .crc32: (width, polynomial) = (32, 0xEDB8_8320)
        case .crc32c: (width, polynomial) = (32, 0x82F6_3B78)
        case .crc64nvme: (width, polynomial) = (64, 0x9A6C_9329_AC4B_C9B5)
        case .sha1, .sha256, .md5: return nil
        }
    }

    /// The check of some bytes and then of `bytes`.
    /// - Parameter value: The check of the first ones, 0 if there are none.
    func update(_ value: UInt64, with bytes: UnsafeRawBufferPointer) -> UInt64 {
        cchecksums_update(kernel, value, bytes.baseAddress, bytes.count)
    }

    /// The check of two texts put together.
    ///
    /// The check of A followed by n zero bits is A * x^n mod P; start values and inversions cancel out.
    func combine(_ first: UInt64, _ second: UInt64, bytesInSecond: UInt64) -> UInt64 {
        multiply(first, powerOfX(bytes: bytesInSecond)) ^ second
    }

    private var kernel: cchecksums_crc {
        switch algorithm {
        case .crc32: CCHECKSUMS_CRC32
        case .crc32c: CCHECKSUMS_CRC32C
        default: CCHECKSUMS_CRC64NVME
        }
    }

    /// x^(8 * bytes) mod P, by squaring.
    private func powerOfX(bytes: UInt64) -> UInt64 {
        var result: UInt64 = 1 << UInt64(width - 1)
        var square: UInt64 = 1 << UInt64(width - 1 - 8)
        var rest = bytes
        while rest > 0 {
            if rest & 1 == 1 { result = multiply(result, square) }
            square = multiply(square, square)
            rest >>= 1
        }
        return result
    }

    private func multiply(_ first: UInt64, _ second: UInt64) -> UInt64 {
        var product: UInt64 = 0
        var term = second
        for bit in (0..<UInt64(width)).reversed() {
            if first >> bit & 1 == 1 { product ^= term }
            term = term & 1 == 1 ? term >> 1 ^ polynomial : term >> 1
        }
        return product
    }
}
