// SPDX-License-Identifier: Apache-2.0

/// What the delivery of an image yields: the object it was made of, and the bytes of the variant.
public struct DeliveredVariant: Sendable {
    public var object: ReadableObject
    /// The parsed `metadata` column of the object.
    public var details: ObjectMetadata
    /// As it was run: presets, limits and what the reader accepts are settled.
    public var transform: Transform
    /// The strong validator of these bytes, with its quotes.
    public var entityTag: String
    public var mediaType: String
    /// Whether the answer depends on what the reader accepts.
    public var variesByAccept: Bool
    /// Whether it was there already.
    public var isCached: Bool
    public var outcome: Delivered.Outcome
    /// What the cache holds of just this, for front-ends that keep a ready answer.
    public var body: CachedBody?

    public init(
        object: ReadableObject, details: ObjectMetadata, transform: Transform, entityTag: String, mediaType: String,
        variesByAccept: Bool, isCached: Bool, outcome: Delivered.Outcome, body: CachedBody? = nil
    ) {
        self.object = object
        self.details = details
        self.transform = transform
        self.entityTag = entityTag
        self.mediaType = mediaType
        self.variesByAccept = variesByAccept
        self.isCached = isCached
        self.outcome = outcome
        self.body = body
    }
}
