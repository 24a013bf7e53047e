// SPDX-License-Identifier: Apache-2.0

/// Keeps variants that were rendered, so that they need not be rendered again. It may forget any of them at any time.
///
/// A variant never changes: whatever would change it is part of its name. So nothing in here is ever invalidated.
public protocol VariantStore: Sendable {
    /// Opens a variant for reading; it stays readable when it is forgotten meanwhile. Nil when it is not kept.
    /// - Throws: `StorageError` with `.backendUnavailable` when it is and can't be read.
    func open(_ name: VariantName) async throws -> KeptVariant?

    /// Keeps a variant for the next time. One that is too large, or of a kind that this store has no name for, is not kept.
    ///
    /// Readers see all of it or none, also after a crash of the machine.
    /// - Throws: `StorageError` with `.backendUnavailable` when the store can't take it; `.overloaded` when it is not fast enough.
    func keep(_ image: RenderedImage, as name: VariantName) async throws

    /// What everything in here takes, in bytes.
    var keptBytes: Int64 { get }

    /// Forgets all variants of versions that are no more.
    /// - Throws: `StorageError` with `.backendUnavailable` when some could not be removed.
    func forget(_ versions: [ObjectVersion]) async throws
}

/// A variant out of a store.
public struct KeptVariant: Sendable {
    /// All of it.
    public var content: BlobContent
    public var mediaType: String

    public init(content: BlobContent, mediaType: String) {
        self.content = content
        self.mediaType = mediaType
    }
}
