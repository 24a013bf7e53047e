// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The media type that the first bytes of a file show. What its sender says of it is hearsay, and a browser that believed it could
/// be made to run what is stored.
enum SniffedType {
    /// `application/octet-stream` for all that is neither image nor film.
    /// - Parameter head: the first `MediaKind.headLength` bytes, or the whole file.
    static func mediaType(of head: [UInt8]) -> String {
        if let kind = MediaKind(head) { return kind.isImage || kind.isVideo ? kind.mediaType : unknown }
        return pictures.first { $0.matches(head) }?.type ?? unknown
    }

    private static let unknown = "application/octet-stream"

    /// Pictures that are kept, though nothing here reads them.
    private static let pictures = [
        // A size, and two reserved fields that are zero: `BM` alone begins many a text.
        Picture(type: "image/bmp", start: Array("BM".utf8), reserved: 6..<10),
        Picture(type: "image/x-exr", start: [0x76, 0x2F, 0x31, 0x01]),
    ]

    private struct Picture {
        var type: String
        var start: [UInt8]
        /// Where zeros stand.
        var reserved = 0..<0

        func matches(_ head: [UInt8]) -> Bool {
            head.count >= reserved.upperBound && head.starts(with: start) && head[reserved].allSatisfy { $0 == 0 }
        }
    }
}
