// SPDX-License-Identifier: Apache-2.0

import Logging

/// Decides where new bytes go, and takes back what went there in vain.
struct BlobPlacement: Sendable {
    let metadata: any MetadataStore
    let blobs: any BlobStoreDirectory
    let reaper: WakeSignal
    let logger: Logger

    /// A backend and a key that nothing is at.
    struct Place: Hashable, Sendable {
        var backend: BackendID
        var key: BlobKey
    }

    /// The server's own store, which asks nobody.
    func staging(for version: ObjectVersion) -> Place {
        Place(backend: blobs.defaultBackend, key: BlobKey(version.rawValue))
    }

    /// The place of a new version, reserved where the bucket has a store of its own.
    /// - Throws: what `BackendStore.reserveBlob` throws.
    func place(
        for version: ObjectVersion, of address: ObjectAddress, in bucket: Bucket, besides taken: BlobKey? = nil
    ) async throws -> Place {
        guard let storage = bucket.ownStorage else { return staging(for: version) }
        let keys = BlobNaming.keys(for: version, of: address, below: storage.pathPrefix).filter { $0 != taken }
        let key = try await metadata.reserveBlob(at: keys, in: storage.backend, for: version, of: bucket.id)
        guard let key else {
            throw StorageError(.internal, "Internal Server Error", resource: "no free key for version \(version)")
        }
        return Place(backend: storage.backend, key: key)
    }

    /// The place of a version that was elsewhere before. As that of a new one, but that nobody knows the key: under its own name the version
    /// may have been there, and its deletion be under way.
    /// - Parameter source: a key that is not to be had: under another name of its store it may be where the bytes are.
    func place(
        forMoved version: ObjectVersion, of address: ObjectAddress, in bucket: Bucket, besides source: BlobKey?
    ) async throws -> Place {
        guard bucket.ownStorage == nil else { return try await place(for: version, of: address, in: bucket, besides: source) }
        return staging(for: ObjectVersion())
    }

    /// Copies a blob to another place; within a store the bytes do not pass through here, else they are compared with what is known of them.
    /// - Throws: `StorageError` with `.internal` when other bytes than were stored would arrive.
    func copy(_ source: BlobLocation, to place: Place) async throws -> BlobLocation {
        let damage = StorageError(.internal, "The stored bytes are damaged", resource: "blob \(source.key)")
        do {
            let store = try await blobs.store(for: place.backend)
            let info: BlobInfo
            if source.backend == place.backend {
                info = try await store.copy(source.key, to: place.key)
            } else {
                var content = try await blobs.store(for: source.backend).get(source.key, range: nil)
                guard content.size == source.size else { throw damage }
                // A file is read here, too, and not only sent.
                if case .file = content.source { content.source = .stream(content.stream()) }
                info = try await store.put(
                    VerifiedBytes.verifying(content, of: source, orThrow: damage).stream(), at: place.key)
            }
            guard info.size == source.size else { throw damage }
        } catch {
            await giveUp(place, after: error)
            throw error
        }
        var copy = source
        copy.backend = place.backend
        copy.key = place.key
        return copy
    }

    /// Removes a blob that will certainly have no row.
    func discard(_ blob: BlobLocation) async { await discard(Place(backend: blob.backend, key: blob.key)) }

    func discard(_ place: Place) async {
        let (metadata, blobs, reaper, logger) = (self.metadata, self.blobs, self.reaper, self.logger)
        // Detached from the caller's cancellation, as nobody else would do it soon; bounded by the store and the database.
        await Task {
            do {
                guard place.backend.isOwn else { return try await blobs.store(for: place.backend).delete([place.key]) }
                // Not waited for: the store is elsewhere, and may be out of reach.
                try await metadata.giveUpBlob(place.key, in: place.backend)
                reaper.signal()
            } catch {
                logger.warning("blob of a refused upload left to the sweep", metadata: ["error": "\(error)"])
            }
        }.value
    }

    /// Leaves alone what is at a key that was thought to be free.
    private func forgo(_ place: Place) async {
        logger.error(
            "a key of a project's storage is taken by something that is not its own",
            metadata: ["backend": "\(place.backend)", "key": "\(place.key)"])
        do {
            try await runToEnd { [metadata] in try await metadata.forgoBlob(place.key, in: place.backend) }
        } catch {
            logger.error("that key may be deleted when its reservation ends", metadata: ["error": "\(error)"])
        }
    }

    /// After a write failed. A store that could not be reached may still be at it: what comes of that the sweep removes when it is over.
    func giveUp(_ place: Place, after error: any Error) async {
        guard place.backend.isOwn else { return }
        guard !((error as? StorageError)?.cause is BlobKeyTaken) else { return await forgo(place) }
        let code = (error as? StorageError)?.code
        guard code != .originUnavailable, code != .originTimedOut, code != .backendUnavailable, !(error is CancellationError)
        else {
            return
        }
        await discard(place)
    }
}
