// SPDX-License-Identifier: Apache-2.0

/// A format in which an image can be delivered.
public enum ImageFormat: String, Hashable, Sendable, CaseIterable {
    case jpeg, png, webp, avif, gif, jxl
    /// Delivered as it is, sanitised: nothing is ever drawn into it.
    case svg

    /// The format of a file name's extension or a URL's `format`, in any case. Nil when there is none such.
    public init?(named name: some StringProtocol) {
        switch name.lowercased() {
        case "jpg", "jpeg": self = .jpeg
        case let name:
            guard let format = ImageFormat(rawValue: name) else { return nil }
            self = format
        }
    }

    public var mediaType: String {
        switch self {
        case .svg: "image/svg+xml"
        default: "image/\(rawValue)"
        }
    }

    /// What such files are usually called.
    public var fileExtension: String { self == .jpeg ? "jpg" : rawValue }

    public var keepsTransparency: Bool { self != .jpeg }
    public var keepsAnimation: Bool { self == .gif || self == .webp }
}

/// In which format a transform is delivered, as a URL says it.
public enum FormatChoice: Hashable, Sendable {
    /// The best that the reader accepts; with nothing better, as `compatible`.
    case accepted
    /// What every reader shows: the source's own where that is JPEG, PNG or GIF, else PNG with transparency and JPEG without.
    case compatible
    /// The source's own where it can be written, else as `compatible`.
    case source
    case fixed(ImageFormat)
    /// Not an image: what is known of it, as JSON.
    case information
}

/// Which of the formats that not every reader knows a request accepts. RFC 9110 §12.5.1.
public struct AcceptedFormats: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let avif = AcceptedFormats(rawValue: 1)
    public static let webp = AcceptedFormats(rawValue: 2)
    public static let jxl = AcceptedFormats(rawValue: 4)

    /// Reads the raw field value of `Accept`. Wildcards say nothing of these formats: every client sends them. A weight of 0
    /// refuses.
    public init(field: String?) {
        self = []
        guard let field else { return }
        for range in field.utf8.split(separator: UInt8(ascii: ",")) {
            let parts = range.split(separator: UInt8(ascii: ";")).map {
                String(decoding: $0, as: UTF8.self).filter { $0 != " " && $0 != "\t" }.lowercased()
            }
            guard let type = parts.first, !parts.dropFirst().contains(where: Self.refuses) else { continue }
            switch type {
            case "image/avif": insert(.avif)
            case "image/webp": insert(.webp)
            case "image/jxl": insert(.jxl)
            default: break
            }
        }
    }

    private static func refuses(_ parameter: String) -> Bool {
        guard parameter.hasPrefix("q=") else { return false }
        return parameter.dropFirst(2).allSatisfy { $0 == "0" || $0 == "." }
    }
}
