// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// A path of a delivery URL, told apart from other dialects' by its shape alone.
///
/// ```
/// /{project}/{asset}/{parameters}.{format}     /{project}/{parameters}/{asset}.{format}     /{project}/{asset}.{format}
/// /{project}/{asset}/original.{format}         /{project}/{asset}/video.{mp4|webm|mov}         /{project}/{asset}/embed
/// ```
///
/// An asset is the key of an object, which may have folders and an extension. Some paths can be read in more than one way, so
/// there are readings, of which the first that names an object counts.
struct DeliveryTarget: Hashable {
    /// The extension: in what format an image is wanted.
    enum Format: Hashable {
        /// The best that the reader accepts: `auto`, or no extension.
        case auto
        case fixed(ImageFormat)

        init?(_ name: some StringProtocol) {
            if name == "auto" {
                self = .auto
            } else {
                guard let format = ImageFormat(named: name) else { return nil }
                self = .fixed(format)
            }
        }

        var name: String {
            switch self {
            case .auto: "auto"
            case .fixed(let format): format.fileExtension
            }
        }

        var choice: FormatChoice {
            switch self {
            case .auto: .accepted
            case .fixed(let format): .fixed(format)
            }
        }
    }

    enum Wanted: Hashable {
        case image(ImageParameters, Format)
        /// - Parameter name: the extension as it was written, which is what a signature covers.
        case original(Format, name: String)
        /// The bytes of what is no image, if they are of this kind. - Parameter name: of the file in the URL.
        case media(MediaKind, name: String)
        case embed
    }

    struct Reading: Hashable {
        var key: String
        var wanted: Wanted
    }

    var project: String
    /// In the order in which they are tried. Empty for what is never there.
    var readings: [Reading]
    /// What is wrong with the parameters, if the path was meant to have some and nothing else is found.
    var mistake: String?

    /// - Parameter path: raw, without the query.
    /// Nil for a path of another shape.
    init?(_ path: Substring) {
        let raw = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
        guard raw.count >= 3, raw[0].isEmpty, ProjectName.isName(raw[1]) else { return nil }
        var segments: [String] = []
        for segment in raw.dropFirst(2) {
            guard let text = PercentEncoding.decode(segment) else { return nil }
            segments.append(text)
        }
        var reader = Reader(segments: segments)
        guard reader.read() else { return nil }
        project = String(raw[1])
        readings = reader.readings
        mistake = reader.mistake
    }

}

/// Finds the ways in which the segments behind the project can be read.
private struct Reader {
    let segments: [String]
    var readings: [DeliveryTarget.Reading] = []
    var mistake: String?

    init(segments: [String]) { self.segments = segments }

    private typealias Format = DeliveryTarget.Format

    /// A last segment, taken apart.
    private struct Name {
        var stem: String
        /// Nil where there is no extension.
        var suffix: String?
        /// Nil for an extension that is no format's.
        var format: DeliveryTarget.Format?

        init(_ text: String) {
            let bytes = text.utf8
            if let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot != bytes.startIndex {
                stem = String(text[..<dot])
                suffix = String(text[bytes.index(after: dot)...])
                format = suffix.flatMap { DeliveryTarget.Format($0) }
            } else {
                stem = text
                format = .auto
            }
        }
    }

    /// Whether the path is one of a delivery URL at all.
    mutating func read() -> Bool {
        guard let last = segments.last, !last.isEmpty else { return false }
        let name = Name(last)
        guard segments.count > 1 else { return readPlain(name) }
        let asset = segments.dropLast().joined(separator: "/")
        // Parameters at the end win: an asset whose whole name reads as parameters is rarer than a folder that does.
        return [readAssetFirst(asset, name), readParametersFirst(name), readSpecial(asset, name), readPlain(name)].contains(true)
    }

    /// `{asset}/{parameters}.{format}`
    private mutating func readAssetFirst(_ asset: String, _ name: Name) -> Bool {
        guard ImageParameters.isMeant(by: name.stem) else { return false }
        guard let format = name.format else {
            return note("The format .\((name.suffix ?? "").prefix(16)) is not delivered")
        }
        guard let parameters = parameters(name.stem) else { return true }
        readings.append(.init(key: asset, wanted: .image(parameters, format)))
        return true
    }

    /// `{parameters}/{asset}.{format}`, where the extension may also be a part of the asset's name.
    private mutating func readParametersFirst(_ name: Name) -> Bool {
        guard ImageParameters.isMeant(by: segments[0]) else { return false }
        guard let parameters = parameters(segments[0]) else { return true }
        let folders = Array(segments.dropFirst().dropLast())
        appendAssets(folders, name, parameters)
        return true
    }

    /// `{asset}.{format}`. Without an extension it is no URL of ours.
    private mutating func readPlain(_ name: Name) -> Bool {
        guard name.suffix != nil, name.format != nil else { return false }
        appendAssets(Array(segments.dropLast()), name, ImageParameters())
        return true
    }

    private mutating func appendAssets(_ folders: [String], _ name: Name, _ parameters: ImageParameters) {
        let format = name.format ?? .auto
        if name.format != nil {
            readings.append(.init(key: (folders + [name.stem]).joined(separator: "/"), wanted: .image(parameters, format)))
        }
        if let suffix = name.suffix {
            let whole = (folders + ["\(name.stem).\(suffix)"]).joined(separator: "/")
            readings.append(.init(key: whole, wanted: .image(parameters, format)))
        }
    }

    /// What is not a rendering: the original, the page to embed, and a video.
    private mutating func readSpecial(_ asset: String, _ name: Name) -> Bool {
        switch (name.stem, name.suffix) {
        case ("embed", nil):
            readings.append(.init(key: asset, wanted: .embed))
            return true
        case ("original", let suffix?), ("video", let suffix?):
            if let kind = MediaKind(rawValue: suffix), !kind.isImage, name.stem == "original" || kind.isVideo {
                readings.append(.init(key: asset, wanted: .media(kind, name: "\(name.stem).\(suffix)")))
                return true
            }
            guard name.stem == "original" else { return false }
            guard let format = name.format else {
                return note("The format .\(suffix.prefix(16)) is not delivered")
            }
            readings.append(.init(key: asset, wanted: .original(format, name: suffix)))
            return true
        default: return false
        }
    }

    private mutating func parameters(_ text: String) -> ImageParameters? {
        do {
            return try ImageParameters(text)
        } catch {
            mistake = mistake ?? error.detail
            return nil
        }
    }

    private mutating func note(_ mistake: String) -> Bool {
        self.mistake = self.mistake ?? mistake
        return true
    }
}
