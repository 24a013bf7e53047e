// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Finds the delimiter `CRLF "--" boundary` in bytes, as fast as the C library finds one byte.
struct BoundarySearch: Sendable {
    enum Finding: Hashable {
        /// The whole delimiter begins at this offset.
        case complete(Int)
        /// The bytes end in a beginning of the delimiter, at this offset.
        case partial(Int)
        case none
    }

    static let lineEndBytes = 2
    static let headerEnd: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]

    let bytes: [UInt8]

    init(_ boundary: MultipartBoundary) { bytes = Array("\r\n--".utf8) + Array(boundary.rawValue.utf8) }

    /// A delimiter begins with its only CR, so it is enough to look at each CR.
    func find(in buffer: ByteBuffer) -> Finding {
        buffer.withUnsafeReadableBytes { haystack in
            bytes.withUnsafeBytes { needle in
                var offset = 0
                while offset < haystack.count, let base = haystack.baseAddress, let start = needle.baseAddress,
                    let hit = memchr(base + offset, CInt(UInt8(ascii: "\r")), haystack.count - offset)
                {
                    offset = UnsafeRawPointer(hit) - base
                    // Of several CR in a row only the last can be followed by LF: one step a byte, not one search.
                    while offset + 1 < haystack.count, haystack[offset + 1] == UInt8(ascii: "\r") { offset += 1 }
                    let length = min(needle.count, haystack.count - offset)
                    if memcmp(base + offset, start, length) == 0 {
                        return length == needle.count ? .complete(offset) : .partial(offset)
                    }
                    offset += 1
                }
                return .none
            }
        }
    }

    /// How many bytes at the front of `buffer` are those of the delimiter from `offset` on.
    func agreement(with buffer: ByteBuffer, from offset: Int) -> Int {
        zip(buffer.readableBytesView, bytes[offset...]).prefix { $0 == $1 }.count
    }

    /// Where the empty line that ends a header begins, at or after `from`.
    static func indexOfHeaderEnd(in header: [UInt8], from: Int) -> Int? {
        guard header.count >= headerEnd.count else { return nil }
        return (from...max(from, header.count - headerEnd.count)).first { header[$0...].starts(with: headerEnd) }
    }
}
