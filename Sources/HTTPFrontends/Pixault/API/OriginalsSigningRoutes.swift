// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

/// Whether a project's originals have to be signed for. Pixault has no public interface for it; this one is Magpie's.
extension PixaultAPICall {
    func originalsSigning(of project: BucketID, as caller: Caller) async throws -> Response {
        let settings = try await storage.buckets.imageSettings(of: project, as: caller)
        return Self.json(JSONWriter.object { $0.field("enabled", settings.signsOriginals) })
    }

    /// Each call makes a new secret, and says it this once.
    func signOriginals(of project: BucketID, as caller: Caller) async throws -> Response {
        let secret = try await signing.enable(for: project, as: caller)
        return Self.json(
            JSONWriter.object { writer in
                writer.field("enabled", true)
                writer.field("secret", secret)
            })
    }

    func openOriginals(of project: BucketID, as caller: Caller) async throws -> Response {
        try await signing.disable(for: project, as: caller)
        return Self.done
    }

    private var signing: OriginalsSigning {
        get throws {
            guard let signing = storage.originalsSigning else {
                throw StorageError(.notConfigured, "There is no master key to keep secrets with")
            }
            return signing
        }
    }
}
