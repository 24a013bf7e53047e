// SPDX-License-Identifier: Apache-2.0

import BlobStores
import Foundation
import Logging
import MediaCore
import MediaProcessing

/// What renders images, and what keeps them.
struct ImageRendering: Sendable {
    let processor: any ImageProcessor
    /// Nil: only memory keeps them.
    let store: DiskVariantStore?

    /// Opens both for the time of `body`. Nil where images are switched off.
    /// - Parameters:
    ///   - converter: what draws SVG. Nil: nothing does.
    ///   - keeps: whether what is rendered is kept on disk, where only one process may do that.
    static func with<Value: Sendable>(
        _ configuration: ServerConfiguration, _ converter: ToolConverter?, keeps: Bool = true, logger: Logger,
        _ body: (ImageRendering?) async throws -> Value
    ) async throws -> Value {
        guard let images = configuration.images else { return try await body(nil) }
        let sanitizer = SVGSanitizer()
        let processor = try VipsImageProcessor(
            limits: images.variants.limits, parallelism: images.workers, cleanSVG: { try sanitizer.sanitize($0) },
            painter: try converter?.painter(images.drawings))
        var store: DiskVariantStore?
        if keeps, images.cache > 0 {
            store = try await DiskVariantStore.open(
                at: configuration.variantDirectory,
                options: DiskVariantStore.Options(capacity: images.cache, inlineReadBytes: configuration.limits.cachedObject),
                logger: logger)
        }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(ImageRendering(processor: processor, store: store)))
        } catch {
            result = .failure(error)
        }
        do {
            try await processor.shutDown()
            try await store?.close()
        } catch {
            // What was served was served. The next start begins without the variants, or with fewer threads to end.
            logger.warning("rendering did not end in order", metadata: ["error": "\(error)"])
        }
        return try result.get()
    }
}
