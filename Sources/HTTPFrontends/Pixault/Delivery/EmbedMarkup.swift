// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// HTML that shows an asset at the size a page has room for: what `…/embed` answers.
struct EmbedMarkup {
    enum Style: String, CaseIterable { case img, picture }
    enum Loading: String, CaseIterable { case lazy, eager }

    /// In pixels, ascending, at least one.
    var widths = [400, 800, 1200]
    var sizes = "100vw"
    var alt = ""
    var loading = Loading.lazy
    var cssClass: String?
    /// A preset, applied to every size.
    var preset: String?
    var style = Style.picture

    private static let mostWidths = 16
    private static let longestText = 1024

    /// - Parameter query: of the URL. What it does not say stays as clients of the dialect have it; names not known here are left
    ///   alone.
    /// - Throws: `PixaultProblem` that names the first parameter that is wrong.
    init(_ query: QueryParameters) throws(PixaultProblem) {
        if let list = query["widths"] { widths = try Self.widths(list) }
        if let text = try Self.text("sizes", query), !text.isEmpty { sizes = text }
        alt = try Self.text("alt", query) ?? ""
        if let text = try Self.text("class", query), !text.isEmpty { cssClass = text }
        if let name = query["loading"] { loading = try Self.choice("loading", name) }
        if let name = query["style"] { style = try Self.choice("style", name) }
        if let name = query["t"] {
            guard NamedTransform.isName(name) else { throw .invalid("t", "must name a transform") }
            preset = name
        }
    }

    private static func widths(_ list: String) throws(PixaultProblem) -> [Int] {
        var widths: Set<Int> = []
        for part in list.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let width = Int(Substring(part)), (1...ImageParameters.longestSide).contains(width) else {
                throw .invalid("widths", "must be whole numbers from 1 to \(ImageParameters.longestSide)")
            }
            widths.insert(width)
        }
        guard widths.count <= mostWidths else { throw .invalid("widths", "must be at most \(mostWidths)") }
        return widths.sorted()
    }

    private static func text(_ name: String, _ query: QueryParameters) throws(PixaultProblem) -> String? {
        guard let text = query[name] else { return nil }
        guard text.utf8.count <= longestText, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .invalid(name, "must be one line of at most \(longestText) bytes")
        }
        return text
    }

    private static func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String, _ value: String
    ) throws(PixaultProblem) -> Choice {
        guard let choice = Choice(rawValue: value) else {
            throw .invalid(name, "must be \(Choice.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        return choice
    }
}

// MARK: - HTML

extension EmbedMarkup {
    /// - Parameter origin: scheme, host and port of the URLs, for the page is somebody else's.
    func html(origin: String, project: String, asset: String) -> String {
        let urls = AssetURLs(origin: origin, project: project, asset: asset, preset: preset)
        let largest = widths.last ?? 0
        // Seen until the image is there, and small enough to be there first.
        let preview = "background:url(\"\(urls.url("w_40,q_20,blur_10", "webp"))\") center/cover no-repeat"
        var attributes = [("src", urls.url("w_\(largest)", style == .img ? "auto" : "jpg"))]
        if style == .img { attributes += [("srcset", srcset(urls, "auto")), ("sizes", sizes)] }
        attributes += [("alt", alt), ("width", "\(largest)"), ("loading", loading.rawValue), ("decoding", "async")]
        if let cssClass { attributes.append(("class", cssClass)) }
        attributes.append(("style", preview))
        let image = Self.tag("img", attributes)
        guard style == .picture else { return image + "\n" }
        let sources = [ImageFormat.avif, .webp].map { format in
            Self.tag(
                "source", [("type", format.mediaType), ("srcset", srcset(urls, format.fileExtension)), ("sizes", sizes)])
        }
        return (["<picture>"] + (sources + [image]).map { "  " + $0 } + ["</picture>"]).joined(separator: "\n") + "\n"
    }

    private func srcset(_ urls: AssetURLs, _ format: String) -> String {
        widths.map { "\(urls.url("w_\($0)", format)) \($0)w" }.joined(separator: ", ")
    }

    private static func tag(_ name: String, _ attributes: [(String, String)]) -> String {
        "<\(name) " + attributes.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: " ") + ">"
    }

    /// For text between double quotes. HTML §13.1.2.3.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Builds delivery URLs of one asset.
private struct AssetURLs {
    let origin: String
    let project: String
    let asset: String
    let preset: String?

    func url(_ parameters: String, _ format: String) -> String {
        let all = preset.map { "t_\($0),\(parameters)" } ?? parameters
        // Nothing that a list of URLs, an attribute or a style sheet could take for its own stays unescaped.
        let name = PercentEncoding.encodeComponents(ofPath: asset)
        return AssetID.isID(asset)
            ? "\(origin)/\(project)/\(name)/\(all).\(format)" : "\(origin)/\(project)/\(all)/\(name).\(format)"
    }
}
