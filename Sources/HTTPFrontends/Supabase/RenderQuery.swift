// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// The options of an image in this dialect's words: the reference's own, and Magpie's in the same style.
///
/// They come as a query, as the `transform` of a body and inside a token, always as the same names and values. Sizes are clamped as
/// the reference does; everything else that is out of range or unknown is refused by its name.
struct RenderQuery: Hashable {
    /// The longest side that can be asked for, in pixels, before `dpr`.
    static let longestSide: Int64 = 2000

    var request: TransformRequest

    /// What may stand next to the options in a query: the credentials, how to save the file, and what pages append so that a
    /// browser asks again.
    static let companions: Set<String> = ["token", "download", "cacheNonce", "t", "v"]

    /// - Throws: `SupabaseError` that names the first field that is wrong.
    init(_ fields: RequestFields, besides companions: Set<String> = []) throws(SupabaseError) {
        for name in fields.fields.keys.sorted() where Option(rawValue: name) == nil && !companions.contains(name) {
            throw .validation("\(fields.location) must NOT have additional properties: '\(String(name.prefix(64)))'")
        }
        var transform = Transform()
        transform.width = try fields.side(.width)
        transform.height = try fields.side(.height)
        transform.fit = try fields.choice(Option.resize.rawValue, of: Transform.Fit.self)
        transform.enlarges = try fields.flag(.enlarge)
        transform.gravity = try fields.gravity()
        transform.quality = try fields.integer(.quality, in: 20...100)
        transform.format = try fields.format()
        transform.crop = try fields.crop()
        transform.trim = try fields.integer(.trim, in: 0...255).flatMap { $0 == 0 ? nil : $0 }
        transform.rotation = try fields.rotation()
        transform.flip = try fields.choice(Option.flip.rawValue, of: Transform.Flip.self)
        transform.blur = try fields.decimal(.blur, in: FixedPoint(0)...FixedPoint(100)).flatMap(\.unlessZero)
        transform.sharpen = try fields.decimal(.sharpen, in: FixedPoint(0)...FixedPoint(10)).flatMap(\.unlessZero)
        transform.cornerRadius = try fields.radius()
        transform.background = try fields.background()
        transform.metadata = try fields.metadata()
        transform.animated = try fields.flag(.animated)
        request = TransformRequest(
            transform, preset: try fields.preset(), pixelRatio: try fields.decimal(.dpr, in: FixedPoint(1)...FixedPoint(4)))
    }

    /// The names of the options.
    enum Option: String, CaseIterable {
        case height, width, resize, enlarge, quality, gravity
        case xOffset = "x_offset"
        case yOffset = "y_offset"
        case dpr, crop, trim, rotate, flip, blur, sharpen, radius, background, metadata, animated, preset, format
    }
}

extension FixedPoint {
    fileprivate var unlessZero: FixedPoint? { thousandths == 0 ? nil : self }
}

// MARK: - Values

extension RequestFields {
    fileprivate typealias Option = RenderQuery.Option

    fileprivate func string(_ option: Option) throws(SupabaseError) -> String? { try string(option.rawValue) }
    fileprivate func invalid(_ option: Option, _ rule: String) -> SupabaseError { invalid(option.rawValue, rule) }
    fileprivate func unknownChoice(_ option: Option) -> SupabaseError {
        invalid(option, "must be equal to one of the allowed values")
    }

    /// A side in pixels. 0 says nothing.
    fileprivate func side(_ option: Option) throws(SupabaseError) -> Int? {
        guard let length = try integer(option.rawValue, minimum: 0), length > 0 else { return nil }
        return Int(min(length, RenderQuery.longestSide))
    }

    fileprivate func integer(_ option: Option, in range: ClosedRange<Int64>) throws(SupabaseError) -> Int? {
        guard let value = try integer(option.rawValue, minimum: range.lowerBound) else { return nil }
        guard value <= range.upperBound else { throw invalid(option, "must be <= \(range.upperBound)") }
        return Int(value)
    }

    fileprivate func decimal(_ option: Option, in range: ClosedRange<FixedPoint>) throws(SupabaseError) -> FixedPoint? {
        guard let value = try decimal(option) else { return nil }
        guard value >= range.lowerBound else { throw invalid(option, "must be >= \(range.lowerBound)") }
        guard value <= range.upperBound else { throw invalid(option, "must be <= \(range.upperBound)") }
        return value
    }

    private func decimal(_ option: Option) throws(SupabaseError) -> FixedPoint? {
        let value: FixedPoint?
        switch fields[option.rawValue] {
        case nil, .null: return nil
        case .number(let number):
            value = abs(number) <= 1_000_000 ? FixedPoint(thousandths: Int((number * 1000).rounded())) : nil
        case .string(let text): value = FixedPoint(text)
        case .bool, .array, .object: value = nil
        }
        guard let value else { throw invalid(option, "must be number") }
        return value
    }

    fileprivate func flag(_ option: Option) throws(SupabaseError) -> Bool? {
        switch fields[option.rawValue] {
        case .string("1"): true
        case .string("0"): false
        default: try bool(option.rawValue)
        }
    }

    fileprivate func gravity() throws(SupabaseError) -> Gravity? {
        let x = try decimal(.xOffset)
        let y = try decimal(.yOffset)
        switch try string(.gravity) {
        case nil: return x == nil && y == nil ? nil : .compass(.centre, x: ImageLength(offset: x), y: ImageLength(offset: y))
        case "fp":
            return .focalPoint(x: try focus(.xOffset, x), y: try focus(.yOffset, y))
        case "sm": return .interest(.attention)
        case let name?:
            if let interest = Gravity.Interest(rawValue: name) { return .interest(interest) }
            guard let point = Gravity.Compass(rawValue: name) else { throw unknownChoice(.gravity) }
            return .compass(point, x: ImageLength(offset: x), y: ImageLength(offset: y))
        }
    }

    private func focus(_ option: Option, _ value: FixedPoint?) throws(SupabaseError) -> FixedPoint {
        guard let value else { throw missing(option.rawValue) }
        guard value >= FixedPoint(0) else { throw invalid(option, "must be >= 0") }
        guard value <= FixedPoint(1) else { throw invalid(option, "must be <= 1") }
        return value
    }

    fileprivate func format() throws(SupabaseError) -> FormatChoice? {
        switch try string(.format) {
        case nil: return nil
        case "origin": return .source
        case "auto": return .accepted
        case "json": return .information
        case let name?:
            // A drawing is only ever delivered as it came.
            guard let format = ImageFormat(named: name), format != .svg else { throw unknownChoice(.format) }
            return .fixed(format)
        }
    }

    /// `x,y,width,height`, each in whole pixels or, written with a point, as a part of the side.
    fileprivate func crop() throws(SupabaseError) -> CropArea? {
        guard let text = try string(.crop) else { return nil }
        let lengths = text.utf8.split(separator: UInt8(ascii: ","), maxSplits: 4, omittingEmptySubsequences: false)
            .compactMap { ImageLength(crop: Substring($0)) }
        guard lengths.count == 4 else { throw invalid(.crop, "must be x,y,width,height in pixels or in parts of the side") }
        guard !lengths[2].isNothing, !lengths[3].isNothing else { throw invalid(.crop, "must be of some width and height") }
        return CropArea(x: lengths[0], y: lengths[1], width: lengths[2], height: lengths[3])
    }

    fileprivate func rotation() throws(SupabaseError) -> Transform.Rotation? {
        guard let degrees = try integer(.rotate, in: 0...270), degrees != 0 else { return nil }
        guard let rotation = Transform.Rotation(rawValue: degrees) else { throw unknownChoice(.rotate) }
        return rotation
    }

    fileprivate func radius() throws(SupabaseError) -> Transform.CornerRadius? {
        if try string(.radius) == "max" { return .full }
        return try integer(.radius, in: 0...10_000).flatMap { $0 == 0 ? nil : .pixels($0) }
    }

    fileprivate func background() throws(SupabaseError) -> Color? {
        guard let text = try string(.background) else { return nil }
        guard let color = Color(hex: text.hasPrefix("#") ? text.dropFirst() : text[...]) else {
            throw invalid(.background, "must be 3, 6 or 8 hexadecimal digits")
        }
        return color
    }

    fileprivate func metadata() throws(SupabaseError) -> Transform.MetadataPolicy? {
        switch try string(.metadata) {
        case nil: return nil
        case "none": return .strip
        case "copyright": return .copyright
        case "keep": return .keep
        default: throw unknownChoice(.metadata)
        }
    }

    fileprivate func preset() throws(SupabaseError) -> String? {
        guard let name = try string(.preset) else { return nil }
        guard NamedTransform.isName(name) else { throw invalid(.preset, "must be a preset's name") }
        return name
    }
}

extension ImageLength {
    /// Of an offset: a part of the side below 1, pixels from there on.
    fileprivate init(offset: FixedPoint?) {
        let thousandths = offset?.thousandths ?? 0
        self =
            thousandths != 0 && abs(thousandths) < 1000
            ? .fraction(FixedPoint(thousandths: thousandths)) : .pixels(thousandths / 1000)
    }

    fileprivate init?(crop text: Substring) {
        guard let number = FixedPoint(text), number >= FixedPoint(0) else { return nil }
        if text.utf8.contains(UInt8(ascii: ".")) {
            guard number <= FixedPoint(1) else { return nil }
            self = .fraction(number)
        } else {
            self = .pixels(number.thousandths / 1000)
        }
    }

    fileprivate var isNothing: Bool {
        switch self {
        case .pixels(let count): count == 0
        case .fraction(let part): part.thousandths == 0
        }
    }
}
