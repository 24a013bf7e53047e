// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What is drawn waits in a line of its own: how long a drawing takes is up to a stranger, and nobody else's images wait for that.
extension Variants {
    /// Renders when there is room for it, in the line where that is.
    /// - Parameter picture: gives the bytes to render. It is called in the line, so that as many are in memory as there is room for.
    /// - Throws: what `picture` throws; `StorageError` with `.overloaded`, and what the processor throws.
    func inLine(
        _ wanted: WantedVariant, by patience: SharedWork<VariantName, RenderedImage?>.Patience,
        _ picture: () async throws -> ByteBuffer
    ) async throws -> RenderedImage {
        let bucket = wanted.source.object.record.address.bucket
        if !Self.isSaidToBeDrawn(wanted) {
            let image = try await engine.gate.run(for: bucket) { () -> RenderedImage? in
                let (source, overlay) = (try await picture(), try await overlay(of: wanted))
                // Whatever it is said to be.
                guard !Self.isDrawn(source, overlay, wanted.transform) else { return nil }
                return try await render(wanted, source, overlay, by: patience())
            }
            if let image { return image }
        }
        return try await engine.drawings.run(for: bucket) {
            try await render(wanted, try await picture(), try await overlay(of: wanted), by: patience())
        }
    }

    private static func isSaidToBeDrawn(_ wanted: WantedVariant) -> Bool {
        wanted.source.details.mimetype?.lowercased().hasPrefix(ImageFormat.svg.mediaType) == true
            && !wanted.transform.isDeliveredAsSVG
    }

    private static func isDrawn(_ source: ByteBuffer, _ overlay: ByteBuffer?, _ transform: Transform) -> Bool {
        if let overlay, MediaKind(overlay.readableBytesView) == .svg { return true }
        return !transform.isDeliveredAsSVG && MediaKind(source.readableBytesView) == .svg
    }

    private func render(
        _ wanted: WantedVariant, _ source: ByteBuffer, _ overlay: ByteBuffer?, by deadline: NIODeadline
    ) async throws -> RenderedImage {
        try Task.checkCancellation()
        let start = NIODeadline.now()
        defer { engine.metrics.rendered(since: start) }
        do {
            return try await engine.processor.render(
                source, ImageRecipe(wanted.transform, overlay: overlay, deadline: deadline))
        } catch var error as StorageError where error.code == .timedOut {
            error.code = .renderTimedOut
            throw error
        }
    }
}
