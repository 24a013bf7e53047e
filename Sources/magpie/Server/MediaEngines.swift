// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore

/// What a process can do to media.
struct MediaEngines: Sendable {
    /// Nil: images are only delivered as they are.
    let images: ImageRendering?
    /// Nil: documents and videos are only kept.
    let converter: (any MediaConverter)?

    /// Of a command that looks into no media.
    static let none = MediaEngines(images: nil, converter: nil)

    /// Opens them for the time of `body`.
    /// - Parameter keepsVariants: whether what is rendered is kept on this machine's disk.
    static func with<Value: Sendable>(
        _ configuration: ServerConfiguration, keepsVariants: Bool = true, logger: Logger,
        _ body: (MediaEngines) async throws -> Value
    ) async throws -> Value {
        try await Conversion.with(configuration, logger: logger) { converter in
            try await ImageRendering.with(configuration, converter, keeps: keepsVariants, logger: logger) { images in
                try await body(MediaEngines(images: images, converter: converter))
            }
        }
    }
}
