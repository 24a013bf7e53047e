// SPDX-License-Identifier: Apache-2.0

/// One range of bytes as a client asks for it, before the size of the object is known. RFC 9110 §14.1.2.
public enum ByteRange: Hashable, Sendable {
    /// `bytes=a-b`, both ends included.
    case closed(ClosedRange<Int64>)
    /// `bytes=a-`.
    case from(Int64)
    /// `bytes=-n`: the last n bytes.
    case last(Int64)

    /// The bytes meant in an object of `size` bytes, its end clamped.
    /// - Throws: `StorageError` with code `.rangeNotSatisfiable` when no byte of the object lies in the range.
    public func resolved(size: Int64) throws(StorageError) -> Range<Int64> {
        let range: Range<Int64>
        switch self {
        case .closed(let bounds):
            let end = bounds.upperBound < size ? bounds.upperBound + 1 : size
            range = bounds.lowerBound < end ? bounds.lowerBound..<end : 0..<0
        case .from(let start): range = start < size ? start..<size : 0..<0
        case .last(let count): range = max(0, size - count)..<size
        }
        guard !range.isEmpty else {
            throw StorageError(.rangeNotSatisfiable, "invalid range provided", resource: String(size))
        }
        return range
    }
}
