// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaProcessing

/// What makes images of PostScript and videos.
enum Conversion {
    /// Opens it for the time of `body`, and removes what killed processes left of theirs. Nil where conversions are switched off.
    static func with<Value: Sendable>(
        _ configuration: ServerConfiguration, logger: Logger, _ body: (ToolConverter?) async throws -> Value
    ) async throws -> Value {
        guard let conversions = configuration.conversions else { return try await body(nil) }
        let converter = try await ToolConverter.open(
            at: configuration.scratchDirectory, limits: conversions.limits, policy: conversions.sandbox, logger: logger)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(converter))
        } catch {
            result = .failure(error)
        }
        do {
            try await converter.shutDown()
        } catch {
            // What was asked for was done. The next start removes what is left.
            logger.warning("conversions did not end in order", metadata: ["error": "\(error)"])
        }
        return try result.get()
    }
}
