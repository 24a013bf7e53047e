// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// What kind of image some bytes are. The bytes themselves say so; names and media types are hearsay.
enum SourceFormat: String, Sendable, CaseIterable {
    case jpeg, png, webp, gif, avif, heic, tiff, jxl, svg

    /// Nil for everything that is not read here.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let kind = MediaKind(bytes) else { return nil }
        self.init(rawValue: kind.rawValue)
    }

    /// The loader of libvips that reads it, by its nick: none is ever looked for. Nil for drawings, which are never read in this process.
    var loader: String? {
        switch self {
        case .svg: nil
        case .avif, .heic: "heifload_buffer"
        case .jpeg, .png, .webp, .gif, .tiff, .jxl: "\(rawValue)load_buffer"
        }
    }

    /// Whether the file may hold a moving picture, whose frames the loader lays out one below the other.
    var mayMove: Bool { self == .gif || self == .webp }
}
