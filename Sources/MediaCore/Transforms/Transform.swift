// SPDX-License-Identifier: Apache-2.0

import WireFormats

/// A recipe for an image: what every URL grammar parses into.
///
/// A nil field means what is said of it; a field is only set where a URL or a preset says something. The steps run in the order
/// of the fields.
public struct Transform: Hashable, Sendable {
    // Before the image gets its size
    /// Nil: as the source says (EXIF orientation, always applied first), with no further turn.
    public var rotation: Rotation?
    public var flip: Flip?
    /// Removes borders of one colour: how far from the corner's colour a pixel may be, 1...255. Nil: keeps them.
    public var trim: Int?
    /// The part of the image that counts. Nil: all of it.
    public var crop: CropArea?
    /// Makes the background transparent. Nil: leaves it.
    public var backgroundRemoval: BackgroundRemoval?

    // The size
    /// In pixels of the result, the pixel ratio included. Nil: follows from the other side, or the source's.
    public var width: Int?
    public var height: Int?
    /// Nil: `cover`.
    public var fit: Fit?
    /// Whether the result may be larger than the source. Nil: not.
    public var enlarges: Bool?
    /// What `cover` keeps, and where `pad` puts the image. Nil: the centre.
    public var gravity: Gravity?

    // After it
    /// Of a Gaussian, in pixels of the result. Nil: none.
    public var blur: FixedPoint?
    public var sharpen: FixedPoint?
    public var filters: [Filter]
    /// In the order in which they are drawn.
    public var drawings: [Drawing]
    public var watermark: Watermark?
    /// Rounds the corners. Nil: not.
    public var cornerRadius: CornerRadius?
    /// Fills what is transparent or added. Nil: stays transparent where the format can be, else white.
    public var background: Color?

    // The file
    /// Nil: strips everything; the colours are sRGB in any case.
    public var metadata: MetadataPolicy?
    /// Whether moving pictures move. Nil: they do where the format can.
    public var animated: Bool?
    /// 1...100. Nil: the format's own default.
    public var quality: Int?
    /// Nil: `accepted`.
    public var format: FormatChoice?

    public init() {
        self.filters = []
        self.drawings = []
    }

    /// Clockwise.
    public enum Rotation: Int, Hashable, Sendable, CaseIterable { case quarter = 90, half = 180, threeQuarters = 270 }

    public enum Flip: String, Hashable, Sendable, CaseIterable {
        case horizontal = "h"
        case vertical = "v"
        case both = "hv"
    }

    /// How an image gets into a box of width and height. With one side given, all of them keep the ratio.
    public enum Fit: String, Hashable, Sendable, CaseIterable {
        /// Fills the box and cuts off what is over.
        case cover
        /// Fits inside the box, which the result may not fill.
        case contain
        /// As `contain`, and never larger than the source, whatever `enlarges` says.
        case scaleDown = "scale-down"
        /// Takes the box's ratio, whatever the image's is.
        case fill
        /// As `contain`, with the rest of the box filled with the background.
        case pad
        /// Covers the box and cuts nothing off: the result may be larger than it.
        case outside
    }

    public enum MetadataPolicy: String, Hashable, Sendable, CaseIterable { case strip, copyright, keep }

    public enum CornerRadius: Hashable, Sendable {
        case pixels(Int)
        /// As round as can be: a circle of a square.
        case full
    }

    /// By colour: what is like the picture's corners goes.
    public enum BackgroundRemoval: Hashable, Sendable {
        case automatic
        /// 1...255; the lower, the more goes.
        case threshold(Int)
    }
}

/// A length along one side of an image.
public enum ImageLength: Hashable, Sendable {
    case pixels(Int)
    /// Of the side's whole length, 0...1.
    case fraction(FixedPoint)

    /// In pixels, of a side of `extent` pixels.
    public func pixels(of extent: Int) -> Int {
        switch self {
        case .pixels(let count): count
        case .fraction(let fraction): Int((Double(extent) * fraction.doubleValue).rounded())
        }
    }
}

/// A rectangle of an image, from its upper left corner.
public struct CropArea: Hashable, Sendable {
    public var x: ImageLength
    public var y: ImageLength
    public var width: ImageLength
    public var height: ImageLength

    public init(x: ImageLength, y: ImageLength, width: ImageLength, height: ImageLength) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}

/// The part of an image that matters most.
public enum Gravity: Hashable, Sendable {
    case compass(Compass, x: ImageLength, y: ImageLength)
    /// As fractions of width and height.
    case focalPoint(x: FixedPoint, y: FixedPoint)
    /// Found by looking at the image.
    case interest(Interest)

    /// With the names of imgproxy and Supabase.
    public enum Compass: String, Hashable, Sendable, CaseIterable {
        case north = "no", south = "so", east = "ea", west = "we"
        case northEast = "noea", northWest = "nowe", southEast = "soea", southWest = "sowe"
        case centre = "ce"
    }

    public enum Interest: String, Hashable, Sendable, CaseIterable {
        /// What draws the eye: edges, saturated colours, skin.
        case attention
        /// The most detail.
        case entropy
        /// Tones of skin, and the middle of the image where there are none.
        case face
    }

    /// A compass point without offsets.
    public static func compass(_ point: Compass) -> Gravity { .compass(point, x: .pixels(0), y: .pixels(0)) }
}

/// A colour in sRGB with 8 bits each. An alpha of 255 is opaque.
public struct Color: Hashable, Sendable, CustomStringConvertible {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8
    public var alpha: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8, alpha: UInt8 = 255) {
        self.red = red
        self.green = green
        self.blue = blue
        self.alpha = alpha
    }

    public static let white = Color(red: 255, green: 255, blue: 255)

    /// Reads three, six or eight hex digits, without `#`. Nil for anything else.
    public init?(hex text: some StringProtocol) {
        var digits: [UInt8] = []
        for character in text.utf8 {
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { return nil }
            digits.append(UInt8(digit))
        }
        switch digits.count {
        case 3: self.init(red: digits[0] * 17, green: digits[1] * 17, blue: digits[2] * 17)
        case 6, 8:
            let bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
            self.init(red: bytes[0], green: bytes[1], blue: bytes[2], alpha: bytes.count == 4 ? bytes[3] : 255)
        default: return nil
        }
    }

    /// Six lower-case hex digits, eight when it is not opaque.
    public var description: String {
        let bytes = alpha == 255 ? [red, green, blue] : [red, green, blue, alpha]
        return Hexadecimal.encode(bytes)
    }
}

/// A change of all colours.
public enum Filter: Hashable, Sendable {
    case sepia, grayscale, invert, vintage, cool, warm
    /// 1 changes nothing; 0...10.
    case brightness(FixedPoint)
    case contrast(FixedPoint)
    case saturation(FixedPoint)
    case gamma(FixedPoint)
}

/// A figure drawn onto the result, outlined or filled.
public struct Drawing: Hashable, Sendable {
    public enum Shape: Hashable, Sendable {
        case rectangle(x: ImageLength, y: ImageLength, width: ImageLength, height: ImageLength)
        /// The radius is measured along the width.
        case circle(x: ImageLength, y: ImageLength, radius: ImageLength)
        case line(x1: ImageLength, y1: ImageLength, x2: ImageLength, y2: ImageLength)
    }

    public var shape: Shape
    public var color: Color
    public var isFilled: Bool

    public init(_ shape: Shape, color: Color, isFilled: Bool) {
        self.shape = shape
        self.color = color
        self.isFilled = isFilled
    }
}

/// Something laid over the result.
public struct Watermark: Hashable, Sendable {
    public enum Mark: Hashable, Sendable {
        /// A picture, by the digest of its bytes: another picture is another transform. `ImageRecipe` carries the bytes.
        case picture(digest: String)
        /// At most 100 characters.
        case text(String)
    }

    /// With the names of Pixault.
    public enum Position: String, Hashable, Sendable, CaseIterable {
        case topLeft = "tl", topRight = "tr", bottomLeft = "bl", bottomRight = "br", centre = "c"
        /// All over.
        case tile
        /// All over, turned by 45 degrees.
        case diagonal
    }

    public var mark: Mark
    public var position: Position
    /// 1...100.
    public var opacity: Int

    public init(_ mark: Mark, position: Position = .bottomRight, opacity: Int = 30) {
        self.mark = mark
        self.position = position
        self.opacity = opacity
    }
}
