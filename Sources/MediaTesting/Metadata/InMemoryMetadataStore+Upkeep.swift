// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    /// For how long a taken deletion is hidden from other takers.
    static let deletionLeaseSeconds: Int64 = 300
    /// The wait after the first failure; it doubles with each further one.
    static let firstRetrySeconds: Int64 = 30
    /// The longest wait between two attempts.
    static let longestRetrySeconds: Int64 = 86_400

    public func backendsWithDeletions() async throws -> [BackendID] {
        let time = now()
        return state.withLock { state in
            let due = state.deletions.values.filter { $0.notBefore <= time }
            return Set(due.map(\.request.backend)).sorted { ListingOrder.precedes($0.rawValue, $1.rawValue) }
        }
    }

    public func takeBlobDeletions(in backend: BackendID?, limit: Int) async throws -> [BlobDeletion] {
        let time = now()
        return state.withLock { state in
            let referenced = state.referencedVersions
            let places = state.blobs.mapValues { BlobPlace($0.location) }
            state.deletions = state.deletions.filter { _, deletion in
                deletion.notBefore > time || !referenced.contains(deletion.version)
                    || places[deletion.version] != deletion.place
            }
            let due = state.deletions.values
                .filter { $0.notBefore <= time && (backend == nil || $0.request.backend == backend) }
                .sorted { $0.request.id < $1.request.id }
                .prefix(max(0, limit))
            return due.map { deletion in
                state.deletions[deletion.request.id]?.notBefore = time.adding(seconds: Self.deletionLeaseSeconds)
                var request = deletion.request
                request.endsVersion = places[deletion.version].map { $0 == deletion.place } ?? true
                return request
            }
        }
    }

    public func finishBlobDeletions(_ ids: [Int64]) async throws {
        let time = now()
        state.withLock { state in
            for id in ids {
                guard let deletion = state.deletions.removeValue(forKey: id) else { continue }
                let place = deletion.place
                if place.backend.isOwn, state.reserved[place] == nil {
                    state.reserved[place] = ReservedKey(version: nil, createdAt: time)
                }
                guard let blob = state.blobs[deletion.version], BlobPlace(blob.location) == place else { continue }
                state.blobs[deletion.version] = nil
            }
        }
    }

    public func postponeBlobDeletions(_ ids: [Int64], because reason: String) async throws {
        let time = now()
        state.withLock { state in
            for id in ids {
                guard var deletion = state.deletions[id] else { continue }
                let doublings = min(deletion.request.attempts, 12)
                let wait = min(Self.longestRetrySeconds, Self.firstRetrySeconds << doublings)
                deletion.request.attempts += 1
                deletion.notBefore = time.adding(seconds: wait)
                deletion.lastFailure = reason
                state.deletions[id] = deletion
            }
        }
    }

    public func unknownBlobs(among keys: [BlobKey], in backend: BackendID) async throws -> [BlobKey] {
        state.withLock { state in
            var known = Set(state.blobs.values.filter { $0.location.backend == backend }.map(\.location.key))
            known.formUnion(state.deletions.values.filter { $0.request.backend == backend }.map(\.request.key))
            // Only adopted objects have no blob row: what bears the name of another one's version was left there of it.
            known.formUnion(state.referencedVersions.filter { state.blobs[$0] == nil }.map { BlobKey($0.rawValue) })
            known.formUnion(state.uploads.values.map(\.session).filter { !$0.isComplete }.map(\.id.blobKey))
            return keys.filter { !known.contains($0) }
        }
    }

    public func queueUnreferencedBlobs(olderThan date: Timestamp) async throws -> Int {
        let time = now()
        return state.withLock { state in
            let referenced = state.referencedVersions
            let requested = Set(state.deletions.values.map(\.place))
            let forgotten = state.blobs.filter { version, blob in
                blob.createdAt < date && !referenced.contains(version) && !requested.contains(BlobPlace(blob.location))
            }
            for version in forgotten.keys { state.queueDeletion(of: version, due: time) }
            return forgotten.count
        }
    }

    public func watch(_ handler: @escaping @Sendable (MetadataChange) -> Void) async throws {
        let (changes, continuation) = AsyncStream.makeStream(of: MetadataChange.self)
        let id = state.withLock { state in
            state.lastWatcherID += 1
            state.watchers[state.lastWatcherID] = continuation
            continuation.yield(.lostTrack)
            continuation.yield(.tracking)
            return state.lastWatcherID
        }
        defer { state.withLock { $0.watchers[id] = nil } }
        for await change in changes { handler(change) }
        try Task.checkCancellation()
    }
}
