// SPDX-License-Identifier: Apache-2.0

import Crypto
import MediaCore
import NIOCore

/// Makes pictures of SVG documents, each in a run of `rsvg-convert` that is shut away like every tool that reads strangers' files.
///
/// librsvg ends its process on documents that it finds contradictory, draws for as long as it takes and takes whatever memory that
/// needs: nothing of this is this process's. It has places of its own, so that a slow drawing delays other drawings and nothing else.
public struct SVGPainter: Sendable {
    /// What one drawing may cost.
    public struct Limits: Hashable, Sendable {
        /// By the clock and by the processor. It should be less than those who ask have patience for, or nobody learns that it was too little.
        public var timeout: Duration
        /// Address space, in bytes.
        public var memory: Int64
        /// Of the picture as a PNG, in bytes. It is in memory afterwards.
        public var output: Int64
        /// How many are drawn at a time.
        public var places: Int

        public init(timeout: Duration = .seconds(8), memory: Int64 = 1 << 30, output: Int64 = 128 << 20, places: Int = 2) {
            self.timeout = timeout
            self.memory = memory
            self.output = output
            self.places = max(places, 1)
        }

        var ofTool: ConversionLimits {
            var limits = ConversionLimits(timeout: timeout, memory: memory, output: output, tools: places)
            // Whose drawing it is was asked before it came here.
            limits.kept = 0
            return limits
        }
    }

    /// Changes whenever the same document may become another picture.
    let revision: String
    private let converter: ToolConverter
    private let sandbox: Sandbox
    private let failures = PaintFailures()

    init(_ converter: ToolConverter, _ sandbox: Sandbox, revision: String) {
        self.converter = converter
        self.sandbox = sandbox
        self.revision = revision
    }

    /// Draws a document.
    /// - Parameters:
    ///   - document: what the sanitiser left, with its size said in pixels.
    ///   - width: of the picture, in pixels; it fills it.
    ///   - height: as `width`.
    /// - Returns: a PNG.
    /// - Throws: `StorageError` with `.unreadableImage` for what librsvg refuses or fails at, `.imageTooLarge` for what takes more memory
    ///   than allowed, `.renderTimedOut`, `.overloaded` where the sandbox does not start; `CancellationError`.
    func picture(of document: ByteBuffer, width: Int, height: Int, by deadline: NIODeadline) async throws -> ByteBuffer {
        let digest = document.withUnsafeReadableBytes { SHA256.hash(data: $0) }
        let size = PixelSize(width: width, height: height)
        do {
            if let known = failures.failure(of: digest, size) { throw known }
            return try await converter.withWorkspace(for: ConversionOrder(), in: sandbox) {
                try await Self.draw(document, size, in: $0)
            }
        } catch let failure as ConversionFailure {
            if !failure.isRetryable { failures.remember(failure, of: digest, size) }
            if NIODeadline.now() >= deadline { throw ToolEnd.timedOut.storageError }
            throw failure.storageError
        }
    }

    private static func draw(_ document: ByteBuffer, _ size: PixelSize, in workspace: Workspace) async throws -> ByteBuffer {
        let file = try await workspace.receive(ByteStream(document), limit: Int64(document.readableBytes))
        let (result, made) = try await workspace.run(.rsvgConvert, on: file, making: "picture.png", "image/png") { paths in
            [
                "--format", "png", "--dpi-x", "\(Int(SVGRoot.resolution))", "--dpi-y", "\(Int(SVGRoot.resolution))",
                "--width", "\(size.width)", "--height", "\(size.height)", "--output", "\(paths.output)/picture.png", paths.input,
            ]
        }
        guard result.status == 0, let made else {
            throw ConversionFailure.unreadable("The SVG can't be drawn", detail: Workspace.said(result))
        }
        let picture = try await workspace.head(of: made, count: Int(made.size))
        // Before anything decodes it.
        guard let (width, height) = PNGHeader.size(picture), PixelSize(width: width, height: height) == size else {
            throw ConversionFailure.unreadable("The SVG can't be drawn", detail: "the result is no PNG of the size asked for")
        }
        return picture
    }
}
