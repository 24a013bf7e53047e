// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// What projects configured of their images. Every change is made as a caller who may update the bucket, and reported as a change of
/// the bucket.
public protocol ImageSettingsStore: Sendable {
    /// Reads as system. - Throws: `.bucketNotFound`.
    func imageSettings(_ id: BucketID, facts: RequestFacts) async throws -> ImageSettings

    /// Creates or replaces a preset. - Throws: `.bucketNotFound` when the caller does not see the bucket; `.accessDenied` when it may not
    /// update it.
    func putPreset(_ preset: NamedTransform, in id: BucketID, as caller: Caller) async throws

    /// - Returns: whether there was one. - Throws: as `putPreset`.
    func deletePreset(_ name: String, in id: BucketID, as caller: Caller) async throws -> Bool

    /// Creates or replaces a watermark with its bytes. - Returns: whether it is new. - Throws: as `putPreset`.
    func putWatermark(_ watermark: WatermarkPicture, body: ByteBuffer, in id: BucketID, as caller: Caller) async throws -> Bool

    /// - Returns: whether there was one. - Throws: as `putPreset`.
    func deleteWatermark(_ watermark: String, in id: BucketID, as caller: Caller) async throws -> Bool

    /// Reads as system: the bytes of the picture with this digest. Nil when it was replaced or deleted.
    func watermark(_ watermark: String, digest: String, in id: BucketID, facts: RequestFacts) async throws -> ByteBuffer?

    /// - Throws: as `putPreset`.
    func setPlugin(_ plugin: Plugin, isActive: Bool, in id: BucketID, as caller: Caller) async throws

    /// The secret that signs URLs of originals, sealed; nil lets originals be read as the bucket's visibility says.
    /// - Throws: as `putPreset`.
    func setOriginalsSecret(_ sealed: [UInt8]?, in id: BucketID, as caller: Caller) async throws

    /// Reads as system. Nil when there is none.
    func originalsSecret(of id: BucketID, facts: RequestFacts) async throws -> [UInt8]?
}
