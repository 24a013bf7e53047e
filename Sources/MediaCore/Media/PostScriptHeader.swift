// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// What the comments at the start of an EPS file say (Adobe Technical Notes 5001 and 5002): how large it is, without running it.
public struct PostScriptHeader: Hashable, Sendable {
    /// How much of a file is looked at: what is to be given to `init`, in bytes.
    public static let length = 4096

    /// Of the box that is drawn in, in points, 72 an inch.
    public var left: Double
    public var bottom: Double
    public var width: Double
    public var height: Double
    /// Whether it says that it is made to be put into a page (`EPSF`). What does not, and has a box nevertheless, is a page itself.
    public var isEncapsulated: Bool

    /// Reads the header.
    /// - Parameter head: the first `length` bytes of the file, or all of it.
    /// - Throws: `ConversionFailure` with `.unreadable` that says what is missing.
    public init(_ head: ByteBuffer) throws(ConversionFailure) {
        let bytes = head.readableBytesView.prefix(Self.length)
        // Adobe Technical Note 5002, section 5.2: a binary header in front, with a preview.
        if bytes.starts(with: [0xC5, 0xD0, 0xD3, 0xC6]) {
            throw .unreadable("This EPS has a binary preview in front of it; save it without a preview")
        }
        guard bytes.starts(with: "%!PS-Adobe-".utf8) else {
            throw .unreadable("This is no EPS: it does not begin with %!PS-Adobe-")
        }
        // Readers of PostScript take either end of a line, or both.
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) where line.starts(with: Self.name.utf8) {
            self = try Self.box(String(decoding: line.dropFirst(Self.name.utf8.count), as: UTF8.self))
            let first = String(decoding: bytes.prefix { $0 != 0x0A && $0 != 0x0D }, as: UTF8.self)
            isEncapsulated = first.contains("EPSF-")
            return
        }
        throw .unreadable("This EPS has no %%BoundingBox comment in its first \(Self.length) bytes")
    }

    private static let name = "%%BoundingBox:"
    /// Far beyond any sheet of paper, in points: 14,000 inches.
    private static let farthest = 1_000_000.0

    private static func box(_ text: String) throws(ConversionFailure) -> PostScriptHeader {
        let words = text.split { $0 == " " || $0 == "\t" }
        if words.first == "(atend)" {
            throw .unreadable("This EPS says (atend) for its %%BoundingBox; save it with the numbers in its header")
        }
        let numbers = words.prefix(4).compactMap { Double($0) }
        guard numbers.count == 4, numbers.allSatisfy({ abs($0) <= farthest }) else {
            throw .unreadable("The %%BoundingBox of this EPS is not four numbers")
        }
        let header = PostScriptHeader(
            left: numbers[0], bottom: numbers[1], width: numbers[2] - numbers[0], height: numbers[3] - numbers[1])
        guard header.width > 0, header.height > 0 else { throw .unreadable("The %%BoundingBox of this EPS is empty") }
        return header
    }

    private init(left: Double, bottom: Double, width: Double, height: Double) {
        self.left = left
        self.bottom = bottom
        self.width = width
        self.height = height
        isEncapsulated = true
    }

    /// How large its picture is, in pixels, at least one each way.
    /// - Parameter resolution: in dots an inch.
    public func size(at resolution: Double = 300) -> (width: Int, height: Int) {
        func pixels(_ points: Double) -> Int { max(Int((points * resolution / 72).rounded()), 1) }
        return (pixels(width), pixels(height))
    }
}

extension ConversionFailure {
    /// For files that are not what they should be.
    public static func unreadable(_ message: String, detail: String? = nil) -> ConversionFailure {
        ConversionFailure(.unreadable, message, detail: detail)
    }
}
