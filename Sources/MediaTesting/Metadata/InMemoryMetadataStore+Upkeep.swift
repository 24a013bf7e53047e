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

    public func takeBlobDeletions(limit: Int) async throws -> [BlobDeletion] {
        let time = now()
        return state.withLock { state in
            let referenced = state.referencedVersions
            state.deletions = state.deletions.filter { $0.value.notBefore > time || !referenced.contains($0.value.version) }
            let due = state.deletions.values
                .filter { $0.notBefore <= time }
                .sorted { $0.request.id < $1.request.id }
                .prefix(max(0, limit))
            for deletion in due {
                state.deletions[deletion.request.id]?.notBefore = time.adding(seconds: Self.deletionLeaseSeconds)
            }
            return due.map(\.request)
        }
    }

    public func finishBlobDeletions(_ ids: [Int64]) async throws {
        state.withLock { state in
            for id in ids {
                guard let deletion = state.deletions.removeValue(forKey: id) else { continue }
                state.blobs[deletion.version] = nil
            }
        }
    }

    public func postponeBlobDeletion(_ id: Int64, because reason: String) async throws {
        let time = now()
        state.withLock { state in
            guard var deletion = state.deletions[id] else { return }
            let doublings = min(deletion.request.attempts, 12)
            let wait = min(Self.longestRetrySeconds, Self.firstRetrySeconds << doublings)
            deletion.request.attempts += 1
            deletion.notBefore = time.adding(seconds: wait)
            deletion.lastFailure = reason
            state.deletions[id] = deletion
        }
    }

    public func unknownBlobs(among keys: [BlobKey], in backend: BackendID) async throws -> [BlobKey] {
        state.withLock { state in
            var known = Set(state.blobs.values.filter { $0.location.backend == backend }.map(\.location.key))
            known.formUnion(state.deletions.values.filter { $0.request.backend == backend }.map(\.request.key))
            known.formUnion(state.referencedVersions.map { BlobKey($0.rawValue) })
            known.formUnion(state.uploads.keys.map(\.blobKey))
            return keys.filter { !known.contains($0) }
        }
    }

    public func queueUnreferencedBlobs(olderThan date: Timestamp) async throws -> Int {
        let time = now()
        return state.withLock { state in
            let referenced = state.referencedVersions
            let requested = Set(state.deletions.values.map(\.version))
            let forgotten = state.blobs.filter {
                $0.value.createdAt < date && !referenced.contains($0.key) && !requested.contains($0.key)
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
