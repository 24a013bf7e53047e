// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// Runs one recipe on one image, on the calling thread.
struct Rendering {
    var recipe: ImageRecipe
    var limits: ImageLimits
    var cleanSVG: VipsImageProcessor.SVGCleaning?
    var drawings: Drawings
    var watch: RenderWatch

    private var transform: Transform { recipe.transform }

    /// - Throws: as `ImageProcessor.render`; `DrawingWanted`.
    func run(_ bytes: ByteBuffer) throws -> RenderedImage {
        do {
            return try bytes.withUnsafeReadableBytes { try run($0, of: bytes) }
        } catch let failure as VipsFailure {
            // What was stopped fails like what is broken.
            try watch.check()
            throw StorageError.unreadable(failure)
        } catch let error as StorageError where error.code == .unreadableImage {
            try watch.check()
            throw error
        }
    }

    private func run(_ raw: UnsafeRawBufferPointer, of bytes: ByteBuffer) throws -> RenderedImage {
        let format = try ImageSource.format(of: raw, limits: limits)
        guard format == .svg else {
            return try render(try ImageSource(raw, format: format, limits: limits))
        }
        guard transform.isDeliveredAsSVG else {
            let document = try drawings.document(.source) { try SVGRoot(try cleaned(bytes)) }
            return try render(ImageSource(document, as: .source, in: drawings, limits: limits))
        }
        let clean = try cleaned(bytes)
        guard !transform.draws else {
            throw StorageError(.unreadableImage, "An SVG image is delivered as it is; ask for another format to change it")
        }
        return RenderedImage(body: clean, mediaType: ImageFormat.svg.mediaType)
    }

    private func cleaned(_ document: ByteBuffer) throws -> ByteBuffer {
        guard let cleanSVG else { throw StorageError(.unreadableImage, "SVG images are not read here") }
        return try cleanSVG(document)
    }

    private func render(_ source: ImageSource) throws -> RenderedImage {
        if transform.format == .information {
            let stage = Stage(watch)
            return try ImageInformation(of: source, in: stage).rendered()
        }
        guard transform.format != .fixed(.svg) else {
            throw StorageError(.unreadableImage, "Only an SVG image can be delivered as SVG")
        }
        let stage = Stage(watch)
        let output = OutputChoice(transform.format ?? .accepted, of: source.format)
        let image = try pipeline(output).run(source, in: stage)
        try watch.check()
        let metadata = Metadata(policy: transform.metadata ?? .strip)
        let format = output.format(of: image)
        let encoder = Encoder(format: format, quality: transform.quality, isStripped: metadata.isStripped)
        // The encoder computes the pixels, out of what the stage holds, and the stage stops it at the deadline.
        let body = try withExtendedLifetime(stage) { try encoder.encode(try metadata.apply(image)) }
        return RenderedImage(body: body, mediaType: format.mediaType)
    }

    private func pipeline(_ output: OutputChoice) -> Pipeline {
        Pipeline(recipe: recipe, output: output, limits: limits, cleanSVG: cleanSVG, drawings: drawings)
    }
}
