// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
import NIOCore

/// Finds a short text in a stream of buffers, a match that is split between two of them included.
struct DelimiterSearch: Sendable {
    enum Result: Hashable {
        /// The delimiter begins at this offset.
        case found(Int)
        /// It does not begin before this offset: the bytes in front of it can go, the rest may be its beginning.
        case notBefore(Int)
    }

    private let delimiter: [UInt8]
    private let first: CInt
    var count: Int { delimiter.count }

    /// - Parameter delimiter: not empty.
    init(_ delimiter: [UInt8]) {
        self.delimiter = delimiter
        self.first = CInt(delimiter[0])
    }

    func find(in view: ByteBufferView) -> Result {
        view.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return .notBefore(0) }
            var offset = 0
            // memchr runs over the bytes at memory speed; what it stops at is compared in full, or as far as the bytes go.
            while offset < bytes.count, let hit = memchr(start + offset, first, bytes.count - offset) {
                let candidate = UnsafeRawPointer(hit) - start
                let known = min(delimiter.count, bytes.count - candidate)
                if memcmp(hit, delimiter, known) == 0 {
                    return known == delimiter.count ? .found(candidate) : .notBefore(candidate)
                }
                offset = candidate + 1
            }
            return .notBefore(bytes.count)
        }
    }
}
