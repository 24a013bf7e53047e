// SPDX-License-Identifier: Apache-2.0

public import MediaCore
public import NIOCore

/// The image engine: libvips, in this process, on threads of its own.
///
/// Only the formats of `SourceFormat` are read, told by their first bytes; every other loader of libvips stays blocked. The header is
/// read first and held against the limits. An image that can't be decoded wholly, a truncated one among them, is an error and not
/// half a picture: what is rendered may be kept for a long time.
///
/// Drawings (SVG) are read here, and never drawn: `SVGPainter` does that in other processes.
public struct VipsImageProcessor: ImageProcessor {
    /// Makes an SVG document harmless, or throws a `StorageError`.
    public typealias SVGCleaning = @Sendable (ByteBuffer) throws -> ByteBuffer

    /// Counts what may change the bytes that this engine makes of an image.
    private static let generation = 3

    public let revision: String
    public let parallelism: Int
    private let limits: ImageLimits
    private let cleanSVG: SVGCleaning?
    private let painter: SVGPainter?
    private let threads: RenderThreads

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - parallelism: how many images are computed at once. Nil: as many as there are processors.
    ///   - cleanSVG: what SVG documents pass before they are looked at. Nil: they are not read.
    ///   - painter: what makes pictures of SVG documents. Nil: none are made.
    /// - Throws: `.internal` when libvips does not start.
    public init(
        limits: ImageLimits = ImageLimits(), parallelism: Int? = nil, cleanSVG: SVGCleaning? = nil, painter: SVGPainter? = nil
    ) throws(StorageError) {
        // The other limits refuse; these change what is made.
        let shape = "\(limits.frames)-\(limits.resultSide)-\(limits.resultPixels)-\(limits.slowPixels)"
        let tool = painter.map { "-\($0.revision)" } ?? ""
        self.revision = "magpie-\(Self.generation)-vips-\(try VipsRuntime.version.get())\(tool)-\(shape)"
        self.parallelism = max(parallelism ?? System.coreCount, 1)
        self.limits = limits
        self.cleanSVG = cleanSVG
        self.painter = painter
        self.threads = RenderThreads(count: self.parallelism)
    }

    /// Waits for the images that are being computed and ends the threads. Whoever calls later gets `.overloaded`.
    public func shutDown() async throws { try await threads.shutDown() }

    public func render(_ source: ByteBuffer, _ recipe: ImageRecipe) async throws -> RenderedImage {
        let watch = RenderWatch(deadline: recipe.deadline)
        var drawings = Drawings()
        for _ in 0..<Self.mostRounds {
            do {
                let rendering = Rendering(recipe: recipe, limits: limits, cleanSVG: cleanSVG, drawings: drawings, watch: watch)
                return try await threads.run(watch) { try rendering.run(source) }
            } catch let wanted as DrawingWanted {
                // No thread waits for this.
                let size = wanted.place.size
                let picture = try await drawn(wanted.document.sized, size, by: recipe.deadline)
                drawings.add(picture, for: wanted)
            }
        }
        throw StorageError(.internal, "An SVG image is drawn again and again")
    }

    /// The source to find its borders in, the source as large as it is wanted, and the picture of a watermark; and then all of them.
    private static let mostRounds = 4

    private func drawn(_ document: ByteBuffer, _ size: PixelSize, by deadline: NIODeadline) async throws -> ByteBuffer {
        guard let painter else {
            throw ConversionFailure(.notConfigured, "SVG can't be drawn on this server: it lacks the tool, or a sandbox for it")
                .storageError
        }
        return try await painter.picture(of: document, width: size.width, height: size.height, by: deadline)
    }

    public func inspect(_ source: ByteBuffer, deadline: NIODeadline) async throws -> ImageFacts {
        let watch = RenderWatch(deadline: deadline)
        return try await threads.run(watch) { try Inspection(limits: limits, cleanSVG: cleanSVG).facts(of: source) }
    }

    public func sanitized(_ svg: ByteBuffer, deadline: NIODeadline) async throws -> ByteBuffer {
        guard let cleanSVG else { throw StorageError(.unreadableImage, "SVG images are not read here") }
        return try await threads.run(RenderWatch(deadline: deadline)) { try cleanSVG(svg) }
    }
}
