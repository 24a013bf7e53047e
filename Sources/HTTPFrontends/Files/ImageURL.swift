// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// A URL of the image CDN, in the grammar of thumbor as far as bkend takes it:
///
/// ```
/// /img/[fit-in/WxH | WxH[/smart]]/[filters:name(value):…]/{bucket}/{key}
/// ```
///
/// What looks like the grammar is the grammar: a bucket that is called `fit-in` or `100x100` can only be read elsewhere.
struct ImageURL: Hashable {
    /// How an image gets into a box. A side of 0 follows from the other one.
    enum Box: Hashable {
        /// All of the image, inside.
        case fitIn(width: Int, height: Int)
        /// The box filled, with what is over cut off.
        case cover(width: Int, height: Int, isSmart: Bool)
    }

    /// Of a box, in pixels.
    static let longestSide = 4096

    var box: Box?
    var quality: Int?
    var format: ImageFormat?
    /// In pixels, 0...150.
    var blur: FixedPoint?
    var bucket: String
    var key: String

    /// - Parameter path: raw, behind `/img/`.
    /// - Throws: `FilesProblem` that names the part that is wrong.
    init(_ path: Substring) throws(FilesProblem) {
        bucket = ""
        key = ""
        var rest = Segments(path)
        try readBox(&rest)
        if let filters = try rest.peek(), filters.hasPrefix("filters:") {
            rest.drop()
            try readFilters(filters)
        }
        (bucket, key) = try rest.object()
    }

    /// The segments of a raw path, each decoded when it is looked at.
    struct Segments {
        private var rest: Substring?

        init(_ path: Substring) { rest = path }

        /// The first one. Nil at the end.
        func peek() throws(FilesProblem) -> String? {
            guard let rest else { return nil }
            guard let text = PercentEncoding.decode(Self.first(of: rest)) else { throw .invalid("path", "is not a valid URL") }
            return text
        }

        mutating func drop() {
            guard let path = rest else { return }
            let head = Self.first(of: path)
            rest = head.endIndex == path.endIndex ? nil : path[path.utf8.index(after: head.endIndex)...]
        }

        /// What is left: a bucket, and a key of one or more segments.
        mutating func object() throws(FilesProblem) -> (bucket: String, key: String) {
            let bucket = try peek() ?? ""
            drop()
            guard let rest, let key = PercentEncoding.decode(rest) else {
                throw .invalid("path", "must end in a bucket and a key")
            }
            guard !bucket.isEmpty, !key.isEmpty else { throw .invalid("path", "must end in a bucket and a key") }
            return (bucket, key)
        }

        private static func first(of path: Substring) -> Substring {
            path.utf8.firstIndex(of: UInt8(ascii: "/")).map { path[..<$0] } ?? path
        }
    }
}

// MARK: - Reading

extension ImageURL {
    private mutating func readBox(_ rest: inout Segments) throws(FilesProblem) {
        guard let first = try rest.peek() else { return }
        if first == "fit-in" {
            rest.drop()
            guard let size = try rest.peek(), let (width, height) = try Self.size(size) else {
                throw .invalid("fit-in", "must be followed by WIDTHxHEIGHT")
            }
            rest.drop()
            box = width + height == 0 ? nil : .fitIn(width: width, height: height)
        } else if let (width, height) = try Self.size(first) {
            rest.drop()
            let isSmart = try rest.peek() == "smart"
            if isSmart { rest.drop() }
            box = width + height == 0 ? nil : .cover(width: width, height: height, isSmart: isSmart)
        }
    }

    /// Nil for text that is no size at all.
    private static func size(_ text: String) throws(FilesProblem) -> (width: Int, height: Int)? {
        let sides = text.utf8.split(separator: UInt8(ascii: "x"), omittingEmptySubsequences: false)
        let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) }
        guard sides.count == 2, sides.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isDigit) }) else { return nil }
        let lengths = sides.compactMap { Int(Substring($0)) }.filter { $0 <= longestSide }
        guard lengths.count == 2 else { throw .invalid("size", "must be at most \(longestSide)x\(longestSide)") }
        return (lengths[0], lengths[1])
    }

    /// `filters:quality(80):format(webp)`. Of two of one name the last counts.
    private mutating func readFilters(_ text: String) throws(FilesProblem) {
        for filter in text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).dropFirst() {
            guard let open = filter.firstIndex(of: UInt8(ascii: "(")), filter.last == UInt8(ascii: ")") else {
                throw .invalid("filters", "must be of the form name(value)")
            }
            let value = Substring(filter[filter.index(after: open)...].dropLast())
            switch String(Substring(filter[..<open])) {
            case "quality":
                guard let number = FixedPoint(value), let quality = Int(value), (1...100).contains(quality),
                    number == FixedPoint(quality)
                else { throw .invalid("quality", "must be a whole number from 1 to 100") }
                self.quality = quality
            case "format":
                guard let format = ImageFormat(named: value), format != .svg else {
                    throw .invalid("format", "must be webp, jpeg, png, avif, gif or jxl")
                }
                self.format = format
            case "blur": blur = try Self.blur(value)
            case let name: throw .invalid("filters", "'\(name.prefix(64))' is no filter")
            }
        }
    }

    /// `radius`, or `radius,sigma`. The second is what counts: without it, the first is taken for it.
    private static func blur(_ text: Substring) throws(FilesProblem) -> FixedPoint? {
        let values = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { FixedPoint(Substring($0)) }
        guard (1...2).contains(values.count), let sigma = values.last.flatMap(\.self), values.first != .some(nil),
            values.compactMap(\.self).allSatisfy({ (FixedPoint(0)...FixedPoint(150)).contains($0) })
        else { throw .invalid("blur", "must be a number from 0 to 150") }
        return sigma == FixedPoint(0) ? nil : sigma
    }
}

// MARK: - What it means

extension ImageURL: CustomStringConvertible {
    /// Whether nothing is asked for but the file.
    var isOriginal: Bool { box == nil && quality == nil && format == nil && blur == nil }

    var request: TransformRequest {
        var transform = Transform()
        switch box {
        case nil: break
        case .fitIn(let width, let height):
            transform.fit = .contain
            transform.width = width == 0 ? nil : width
            transform.height = height == 0 ? nil : height
        case .cover(let width, let height, let isSmart):
            transform.width = width == 0 ? nil : width
            transform.height = height == 0 ? nil : height
            if isSmart { transform.gravity = .interest(.attention) }
        }
        transform.quality = quality
        transform.blur = blur
        transform.format = format.map { .fixed($0) }
        return TransformRequest(transform)
    }

    /// The canonical path, behind `/img/`: one for every value, which reads back as the same.
    var description: String {
        var segments: [String] = []
        switch box {
        case nil: break
        case .fitIn(let width, let height): segments.append("fit-in/\(width)x\(height)")
        case .cover(let width, let height, let isSmart): segments.append("\(width)x\(height)" + (isSmart ? "/smart" : ""))
        }
        var filters: [String] = []
        if let quality { filters.append("quality(\(quality))") }
        if let format { filters.append("format(\(format.rawValue))") }
        if let blur { filters.append("blur(\(blur))") }
        if !filters.isEmpty { segments.append("filters:" + filters.joined(separator: ":")) }
        segments.append(PercentEncoding.encodePathSegment(bucket))
        segments.append(PercentEncoding.encodePath(key))
        return segments.joined(separator: "/")
    }
}
