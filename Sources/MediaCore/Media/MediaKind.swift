// SPDX-License-Identifier: Apache-2.0

/// What a file is by its own bytes: names and media types are hearsay.
public enum MediaKind: String, Hashable, Sendable, CaseIterable {
    case jpeg, png, webp, avif, heic, gif, svg, tiff, jxl
    case eps
    case mp4, webm, mov

    /// How much of a file has to be seen to be sure, in bytes. Less does for everything but SVG with a long preface.
    public static let headLength = 64 << 10

    /// Nil for everything else.
    /// - Parameter head: the first `headLength` bytes, or the whole file.
    public init?(_ head: some RandomAccessCollection<UInt8>) {
        let start = Array(head.prefix(16))
        if let kind = Self.byMagic(start) {
            self = kind
        } else if start.dropFirst(4).starts(with: "ftyp".utf8) {
            guard let kind = MediaContainers.kind(ofBoxes: Array(head.prefix(MediaContainers.longestBrands))) else { return nil }
            self = kind
        } else if MediaContainers.isOldQuickTime(start) {
            self = .mov
        } else if start.starts(with: MediaContainers.ebml) {
            guard MediaContainers.isWebM(Array(head.prefix(MediaContainers.longestEBML))) else { return nil }
            self = .webm
        } else if SVGPrologue.leadsToSVG(head) {
            self = .svg
        } else {
            return nil
        }
    }

    private static func byMagic(_ start: [UInt8]) -> MediaKind? {
        for (magic, kind) in magics where start.starts(with: magic) { return kind }
        if start.starts(with: "RIFF".utf8), start.dropFirst(8).starts(with: "WEBP".utf8) { return .webp }
        if start.starts(with: "%!PS-Adobe-".utf8) { return .eps }
        return nil
    }

    private static let magics: [([UInt8], MediaKind)] = [
        ([0xFF, 0xD8, 0xFF], .jpeg),
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], .png),
        (Array("GIF87a".utf8), .gif), (Array("GIF89a".utf8), .gif),
        // Of either byte order, and of either width of offsets.
        ([0x49, 0x49, 0x2A, 0], .tiff), ([0x4D, 0x4D, 0, 0x2A], .tiff), ([0x49, 0x49, 0x2B, 0], .tiff),
        ([0x4D, 0x4D, 0, 0x2B], .tiff),
        ([0xFF, 0x0A], .jxl), ([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A], .jxl),
    ]

    public var mediaType: String {
        switch self {
        case .svg: "image/svg+xml"
        case .eps: "application/postscript"
        case .mp4, .webm: "video/\(rawValue)"
        case .mov: "video/quicktime"
        default: "image/\(rawValue)"
        }
    }

    /// Which container of a video it is. Nil for what is none.
    public var container: VideoFacts.Container? { VideoFacts.Container(rawValue: rawValue) }

    public var isVideo: Bool { container != nil }
    public var isImage: Bool { !isVideo && self != .eps }
}
