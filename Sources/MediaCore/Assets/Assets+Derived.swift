// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore

/// What is made of assets, by the service: whoever may write the asset has it made.
extension Assets {
    /// Has made what belongs to an asset of this sort: the poster of a video at once, the pages of a document by a job.
    func derive(_ asset: Asset, version: ObjectVersion, poster: ByteBuffer?, _ facts: RequestFacts) async throws -> UploadedAsset
    {
        switch asset.facts.kind {
        case .document:
            let job = try await enqueue(.rasteriseDocument, of: asset, version: version, facts: facts).job
            return UploadedAsset(asset: asset, job: job.id)
        case .video:
            guard let poster else { return UploadedAsset(asset: asset) }
            var asset = asset
            do {
                let made = try await store(
                    DerivedMedia(body: ByteStream(poster), kind: .jpeg, type: "poster", isThumbnail: true), of: asset,
                    facts: facts)
                asset.thumbnailID = made?.id
            } catch let error as StorageError {
                // The video is there and plays.
                logger.warning("a video has no poster", metadata: ["asset": "\(asset.id)", "error": "\(error)"])
            }
            return UploadedAsset(asset: asset)
        case .image, .other: return UploadedAsset(asset: asset)
        }
    }

    /// Something that was made of an asset.
    struct DerivedMedia: Sendable {
        var body: ByteStream
        var kind: MediaKind
        /// See `Derivation.type`.
        var type: String
        var isThumbnail = false
        /// What its maker says of it: it is not looked at again.
        var facts: AssetFacts?
    }

    /// Keeps something derived, in the place of what was derived in the same way before.
    /// - Returns: nil when the asset is gone meanwhile, and with it what is made of it.
    func store(_ media: DerivedMedia, of source: Asset, facts: RequestFacts) async throws -> Asset? {
        let caller = Caller(principal: service, facts: facts)
        let key = try ObjectKey(source.id.derived(.image, as: media.type).rawValue)
        let address = ObjectAddress(bucket: source.address.bucket, key: key)
        let findings = SetOnce<AssetFacts>()
        var review: Upload.Review?
        if let facts = media.facts {
            findings.set(facts)
        } else {
            let order = ConversionOrder(bucket: address.bucket)
            review = { [examiner] content in
                findings.set(try await examiner.examine(content, as: media.kind, for: order).facts)
                return nil
            }
        }
        let record = try await objects.put(
            Upload(
                body: media.body,
                options: UploadOptions(mode: .replace, contentType: media.kind.mediaType, cacheControl: "max-age=3600"),
                review: review),
            at: address, access: .policy(caller))
        guard let version = record.version, let found = findings.value else { return nil }
        var known = AssetRecord(
            address: address, version: version, facts: found,
            origin: Derivation(source: source.id, type: media.type), isThumbnail: media.isThumbnail)
        known.changes.folder = source.details.folder
        let asset = try await runToEnd { [metadata, known] in try await metadata.recordAsset(known, facts: facts) }
        // Deleted while this was made: nobody would ever delete it.
        guard try await metadata.assetAddress(source.id.rawValue, in: address.bucket, facts: facts) != nil else {
            try await objects.delete(address, as: caller)
            return nil
        }
        return asset
    }

    /// Deletes what was derived before and is no longer made.
    /// - Parameter isStale: by the type of its derivation.
    func removeDerived(of source: Asset, where isStale: (String) -> Bool, facts: RequestFacts) async throws {
        let caller = Caller(principal: service, facts: facts)
        let derived = try await metadata.derivedAssets(of: source.id, in: source.address.bucket, as: caller)
        let stale = derived.filter { $0.origin.map { isStale($0.type) } ?? false }
        _ = try await objects.delete(stale.map(\.address.key), in: source.address.bucket, as: caller)
    }

    /// Gives the object at `target` the bytes of another one, which goes.
    func takeOver(_ source: ObjectAddress, to target: ObjectAddress, as caller: Caller) async throws -> ObjectRecord {
        let options = CopyOptions(mode: .replace, metadata: .keep, alphabet: .utf8)
        let record = try await objects.copy(from: source, to: target, options: options, as: caller)
        try await objects.delete(source, as: caller)
        return record
    }
}
