// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The parameters in a delivery URL: `t_card,w_400,h_300,fit_cover,q_80,wm_logo,filter_sepia`.
///
/// The order is free, and of two tokens of one kind the last one counts: published clients write `w_` twice. Only filters and
/// drawings add up.
struct ImageParameters: Hashable {
    /// Of `width` and `height`, in pixels.
    static let longestSide = 4096

    var preset: String?
    var width: Int?
    var height: Int?
    var fit: Transform.Fit?
    var quality: Int?
    var blur: Int?
    var watermark: String?
    var watermarkPosition: Watermark.Position?
    var watermarkOpacity: Int?
    /// In the order in which they are called.
    var plugins: [TransformRequest.PluginCall] = []

    init() {}

    /// - Throws: `PixaultProblem` that names the first token that is wrong.
    init(_ text: String) throws(PixaultProblem) {
        for token in Self.tokens(text) { try read(token) }
    }

    /// Whether a segment of a path is meant to be parameters: then a mistake in it is told. A name may look like it, too.
    static func isMeant(by text: String) -> Bool {
        Self.tokens(text).contains { token in Name(prefixing: token) != nil || Self.plugin(in: token) != nil }
    }

    private static func tokens(_ text: String) -> [Substring] {
        text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { Substring($0) }
    }
}

// MARK: - Tokens

extension ImageParameters {
    /// The kinds of tokens that need no plugin, the longest of prefixes that begin alike first.
    private enum Name: String, CaseIterable {
        case watermarkPosition = "wm_pos_"
        case watermarkOpacity = "wm_opacity_"
        case watermark = "wm_"
        case preset = "t_"
        case width = "w_"
        case height = "h_"
        case fit = "fit_"
        case quality = "q_"
        case blur = "blur_"

        init?(prefixing token: Substring) {
            guard let name = Name.allCases.first(where: { token.utf8.starts(with: $0.rawValue.utf8) }) else { return nil }
            self = name
        }
    }

    private mutating func read(_ token: Substring) throws(PixaultProblem) {
        guard let name = Name(prefixing: token) else {
            guard let call = Self.plugin(in: token) else {
                throw .invalid(String(token.prefix(64)), "is no parameter")
            }
            return add(call)
        }
        let value = Substring(token.utf8.dropFirst(name.rawValue.utf8.count))
        switch name {
        case .preset:
            guard NamedTransform.isName(value) else { throw Self.wrong(token, "must name a transform") }
            preset = String(value)
        case .width: width = try Self.number(token, value, 1...Self.longestSide)
        case .height: height = try Self.number(token, value, 1...Self.longestSide)
        case .fit:
            guard let fit = Transform.Fit(rawValue: String(value)), Self.fits.contains(fit) else {
                throw Self.wrong(token, "must be fit_cover, fit_contain, fit_fill or fit_pad")
            }
            self.fit = fit
        case .quality: quality = try Self.number(token, value, 1...100)
        case .blur: blur = try Self.number(token, value, 1...100)
        case .watermark:
            guard WatermarkPicture.isID(value) else { throw Self.wrong(token, "must name a watermark") }
            watermark = String(value)
        case .watermarkPosition:
            guard let position = Watermark.Position(rawValue: String(value)), position != .diagonal else {
                throw Self.wrong(token, "must be one of tl, tr, bl, br, c and tile")
            }
            watermarkPosition = position
        case .watermarkOpacity: watermarkOpacity = try Self.number(token, value, 1...100)
        }
    }

    private static let fits: [Transform.Fit] = [.cover, .contain, .fill, .pad]

    private static func number(
        _ token: Substring, _ value: Substring, _ range: ClosedRange<Int>
    ) throws(PixaultProblem) -> Int {
        let isPlain = (1...6).contains(value.utf8.count) && value.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isPlain, let number = Int(value), range.contains(number) else {
            throw wrong(token, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func wrong(_ token: Substring, _ rule: String) -> PixaultProblem { .invalid(String(token.prefix(64)), rule) }
}

// MARK: - Plugins

extension ImageParameters {
    /// The longest value of a plugin, in bytes.
    private static let longestValue = 128

    /// Whose calls add up instead of replacing one another.
    private static let repeatable: Set<Plugin> = [.filterPack, .draw]

    /// `prefix_value`, or the prefix alone. What values a plugin takes, it says itself when the project is known.
    private static func plugin(in token: Substring) -> TransformRequest.PluginCall? {
        // The name by which older pages call it.
        if token == "background-removal" { return .init(.backgroundRemoval, value: "remove") }
        for plugin in Plugin.allCases where token.utf8.starts(with: plugin.rawValue.utf8) {
            let rest = Substring(token.utf8.dropFirst(plugin.rawValue.utf8.count))
            if rest.isEmpty { return .init(plugin, value: "") }
            let value = rest.dropFirst()
            guard rest.utf8.first == UInt8(ascii: "_"), (1...longestValue).contains(value.utf8.count),
                value.utf8.allSatisfy(isValueByte)
            else { continue }
            return .init(plugin, value: String(value))
        }
        return nil
    }

    private static func isValueByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-_.".utf8.contains(byte)
        }
    }

    private mutating func add(_ call: TransformRequest.PluginCall) {
        if !Self.repeatable.contains(call.plugin) { plugins.removeAll { $0.plugin == call.plugin } }
        plugins.append(call)
    }
}

// MARK: - What they mean

extension ImageParameters: CustomStringConvertible {
    /// The canonical text: one for every value, which reads back as the same. Empty when nothing is asked for.
    var description: String {
        var tokens: [String] = []
        func add(_ name: Name, _ value: String?) {
            if let value { tokens.append(name.rawValue + value) }
        }
        add(.preset, preset)
        add(.width, width.map { "\($0)" })
        add(.height, height.map { "\($0)" })
        add(.fit, fit?.rawValue)
        add(.quality, quality.map { "\($0)" })
        add(.blur, blur.map { "\($0)" })
        add(.watermark, watermark)
        add(.watermarkPosition, watermarkPosition?.rawValue)
        add(.watermarkOpacity, watermarkOpacity.map { "\($0)" })
        for call in plugins { tokens.append(call.value.isEmpty ? call.plugin.rawValue : "\(call.plugin.rawValue)_\(call.value)") }
        return tokens.joined(separator: ",")
    }

    /// - Parameter format: of the URL's extension.
    func request(format: FormatChoice) -> TransformRequest {
        var transform = Transform()
        transform.width = width
        transform.height = height
        transform.fit = fit
        // A box that is to be filled is filled; with one side or none the source's pixels are all there is. What a preset says of
        // the box is not known here.
        if preset == nil, width != nil, height != nil, fit != .contain { transform.enlarges = true }
        transform.quality = quality
        transform.blur = blur.map { FixedPoint($0) }
        transform.format = format
        let hasWatermark = watermark != nil || watermarkPosition != nil || watermarkOpacity != nil
        return TransformRequest(
            transform, preset: preset,
            watermark: hasWatermark
                ? .init(id: watermark, position: watermarkPosition, opacity: watermarkOpacity) : nil,
            plugins: plugins)
    }
}
