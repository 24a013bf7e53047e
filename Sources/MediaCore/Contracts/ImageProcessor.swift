// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Makes images of images. It decides nothing: who may see what, what is kept and how many run at once is said elsewhere.
///
/// The bytes are hostile until proven otherwise: an implementation checks header, pixels, frames and size before it decodes
/// anything, and gives up at the deadline.
public protocol ImageProcessor: Sendable {
    /// Changes whenever the same recipe may give other bytes: part of what a variant is called.
    var revision: String { get }

    /// How many run at the same time at the most: more would only wait.
    var parallelism: Int { get }

    /// Runs a recipe, off the cooperative pool.
    /// - Throws: `StorageError` with `.unreadableImage` for bytes that are no image, a broken one or one of a kind not read here;
    ///   `.imageTooLarge` past `ImageLimits`; `.timedOut` at the deadline; `CancellationError`.
    func render(_ source: ByteBuffer, _ recipe: ImageRecipe) async throws -> RenderedImage

    /// What an image is, by its header alone.
    /// - Throws: as `render`.
    func inspect(_ source: ByteBuffer, deadline: NIODeadline) async throws -> ImageFacts

    /// An SVG document without anything that runs or fetches: fit to be given to browsers.
    /// - Throws: as `render`; `.unreadableImage` where SVG is not read.
    func sanitized(_ svg: ByteBuffer, deadline: NIODeadline) async throws -> ByteBuffer
}

/// A transform with everything it needs.
public struct ImageRecipe: Sendable {
    /// Its `format` is never `accepted`: that is settled before, so that it is part of the variant's name.
    public var transform: Transform
    /// The picture of a watermark that is one. At most a few megabytes.
    public var overlay: ByteBuffer?
    public var deadline: NIODeadline

    public init(_ transform: Transform, overlay: ByteBuffer? = nil, deadline: NIODeadline) {
        self.transform = transform
        self.overlay = overlay
        self.deadline = deadline
    }
}

/// The result of a recipe.
public struct RenderedImage: Sendable {
    public var body: ByteBuffer
    public var mediaType: String

    public init(body: ByteBuffer, mediaType: String) {
        self.body = body
        self.mediaType = mediaType
    }
}

/// What the header of an image says.
public struct ImageFacts: Hashable, Sendable {
    /// The name of the format in lower case: one of `ImageFormat`'s, or `heic`, `tiff`.
    public var format: String
    /// As it is to be shown: with the orientation applied, in pixels.
    public var width: Int
    public var height: Int
    public var hasAlpha: Bool
    /// 1 for an image that doesn't move.
    public var frames: Int
    /// EXIF's number, 1...8. 1 for none.
    public var orientation: Int
    /// What EXIF says, by the names of its tags, as text.
    public var exif: [String: String]

    public init(
        format: String, width: Int, height: Int, hasAlpha: Bool, frames: Int = 1, orientation: Int = 1,
        exif: [String: String] = [:]
    ) {
        self.format = format
        self.width = width
        self.height = height
        self.hasAlpha = hasAlpha
        self.frames = frames
        self.orientation = orientation
        self.exif = exif
    }
}

/// What an image may cost. Each is a setting.
public struct ImageLimits: Hashable, Sendable {
    /// The largest source, in bytes.
    public var sourceBytes: Int
    /// Width times height, times the frames that are read. Half of it for what can only be decoded as a whole: AVIF, HEIC, JPEG
    /// XL, and what is interlaced or progressive.
    public var sourcePixels: Int
    /// How many frames of a moving picture are read; the rest is left out.
    public var frames: Int
    /// The longest side of a result, in pixels. Sizes asked for are clamped to it.
    public var resultSide: Int
    /// The largest result, in pixels, all frames together. Half of it for AVIF and GIF and a fifth for JPEG XL, whose encoders need
    /// more. A result that would be larger is made smaller.
    public var resultPixels: Int
    /// The largest result, in pixels, all frames together, in AVIF, GIF or JPEG XL: their encoders can't be stopped, so this bounds for
    /// how long one outlives its deadline. A result that would be larger is made smaller.
    public var slowPixels: Int
    /// AVIF costs ten times WebP: past so many pixels of the result nobody gets it who did not name it.
    public var avifPixels: Int

    public init(
        sourceBytes: Int = 50 << 20, sourcePixels: Int = 100_000_000, frames: Int = 200, resultSide: Int = 8192,
        resultPixels: Int = 50_000_000, slowPixels: Int = 8_000_000, avifPixels: Int = 2_000_000
    ) {
        self.sourceBytes = sourceBytes
        self.sourcePixels = sourcePixels
        self.frames = frames
        self.resultSide = resultSide
        self.resultPixels = resultPixels
        self.slowPixels = slowPixels
        self.avifPixels = avifPixels
    }
}
