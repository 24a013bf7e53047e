// SPDX-License-Identifier: Apache-2.0

/// The line before a chunk: `SIZE[;chunk-signature=…]`, the size in hexadecimal digits.
struct AWSChunkHeader: Hashable {
    private static let signatureName = Array("chunk-signature".utf8)
    /// What 63 bits can hold, without its leading zeros.
    private static let maxDigits = 15

    let byteCount: Int64
    /// Empty when chunks aren't signed.
    let signature: [UInt8]

    /// - Parameter line: Without its line end.
    init(_ line: ArraySlice<UInt8>, isSigned: Bool) throws(AWSChunkedError) {
        let parts = line.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let size = parts.first else { throw .malformedChunk }
        byteCount = try Self.number(size)
        guard isSigned else {
            // RFC 9112 §7.1.1: extensions that nobody knows are ignored.
            signature = []
            return
        }
        guard parts.count == 2 else { throw .malformedChunk }
        let pair = parts[1].split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        guard pair.count == 2, pair[0].elementsEqual(Self.signatureName),
            let bytes = Hexadecimal.decode(String(decoding: pair[1], as: UTF8.self), count: SignedRequest.signatureBytes)
        else { throw .malformedChunk }
        signature = bytes
    }

    private static func number(_ digits: ArraySlice<UInt8>) throws(AWSChunkedError) -> Int64 {
        guard !digits.isEmpty else { throw .malformedChunk }
        var number: Int64 = 0
        for digit in digits {
            guard let value = Hexadecimal.value(of: digit) else { throw .malformedChunk }
            guard number >> (4 * (maxDigits - 1)) == 0 else { throw .chunkTooLarge }
            number = number << 4 | Int64(value)
        }
        return number
    }
}
