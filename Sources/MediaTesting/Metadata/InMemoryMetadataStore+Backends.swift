// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func useBackend(_ backend: Backend, of project: BucketID, as caller: Caller) async throws -> Backend {
        try changeBackend(of: project, as: caller) { state in
            let identity = backend.place.identity
            var row = backend
            row.project = project
            if let known = state.backends.values.first(where: { $0.project == project && $0.place.identity == identity }) {
                row.id = known.id
                row.revision = known.revision + 1
                state.report(.backend(known.id))
            }
            state.backends[row.id] = row
            state.currentBackends[project] = row.id
            return row
        }
    }

    public func leaveBackend(
        of project: BucketID, forgetsCredentials: Bool, as caller: Caller
    ) async throws -> Bool {
        try changeBackend(of: project, as: caller) { state in
            if forgetsCredentials {
                for backend in state.backends.values where backend.project == project && backend.sealedCredentials != nil {
                    state.backends[backend.id]?.sealedCredentials = nil
                    state.backends[backend.id]?.revision += 1
                    state.report(.backend(backend.id))
                }
            }
            return state.currentBackends.removeValue(forKey: project) != nil
        }
    }

    private func changeBackend<Value: Sendable>(
        of id: BucketID, as caller: Caller, _ change: (inout State) -> Value
    ) throws -> Value {
        try transaction(as: caller) { state, security in
            guard let bucket = state.buckets[id], security.sees(bucket) else { throw StorageError.bucketNotFound(id) }
            guard security.allows(.update, .bucket(bucket)) else {
                throw security.refused(.update, .bucket(bucket), "Access denied")
            }
            let value = change(&state)
            state.report(.bucket(id))
            return value
        }
    }

    public func backend(_ id: BackendID) async throws -> Backend? { state.withLock { $0.backends[id] } }

    public func currentBackend(of project: BucketID, facts: RequestFacts) async throws -> Backend? {
        state.withLock { state in state.currentBackends[project].flatMap { state.backends[$0] } }
    }

    public func backends(of project: BucketID?) async throws -> [BackendContents] {
        state.withLock { state in
            let chosen = state.backends.values.filter { project == nil || $0.project == project }
            let sorted = chosen.sorted {
                $0.configuredAt == $1.configuredAt
                    ? ListingOrder.precedes($0.id.rawValue, $1.id.rawValue) : $0.configuredAt < $1.configuredAt
            }
            return sorted.map { state.contents(of: $0) }
        }
    }

    public func recordHealth(_ health: BackendHealth, of id: BackendID) async throws {
        state.withLock { $0.backends[id]?.health = health }
    }

    public func removeUnusedBackends(before date: Timestamp) async throws -> Int {
        state.withLock { state in
            let hopeless = Set(state.backends.values.filter { $0.project == nil && $0.sealedCredentials == nil }.map(\.id))
            state.deletions = state.deletions.filter { !hopeless.contains($0.value.request.backend) }
            state.blobs = state.blobs.filter { !hopeless.contains($0.value.location.backend) }
            let unused = state.backends.values.filter { backend in
                let contents = state.contents(of: backend)
                return (backend.project == nil || backend.sealedCredentials == nil) && backend.configuredAt < date
                    && !contents.isCurrent && contents.blobs == 0 && contents.deletions == 0
                    && !state.reserved.contains { $0.key.backend == backend.id && $0.value.version != nil }
            }
            for backend in unused {
                state.backends[backend.id] = nil
                state.report(.backend(backend.id))
            }
            return unused.count
        }
    }

    // MARK: Keys

    public func reserveBlob(
        at keys: [BlobKey], in backend: BackendID, for version: ObjectVersion, of project: BucketID
    ) async throws -> BlobKey? {
        let time = now()
        return try state.withLock { state in
            guard state.isOpen(backend, to: project) else {
                throw StorageError(.backendUnavailable, "The project's storage was changed meanwhile", isRetryable: true)
            }
            guard let free = keys.first(where: { !state.knows(BlobPlace(backend: backend, key: $0)) }) else { return nil }
            state.reserved[BlobPlace(backend: backend, key: free)] = ReservedKey(version: version, createdAt: time)
            return free
        }
    }

    public func knownBlobs(among keys: [BlobKey], in backends: [BackendID]) async throws -> Set<BlobKey> {
        state.withLock { state in
            Set(keys.filter { key in backends.contains { state.knows(BlobPlace(backend: $0, key: key)) } })
        }
    }

    public func giveUpBlob(_ key: BlobKey, in backend: BackendID) async throws {
        let time = now()
        state.withLock { $0.giveUp(BlobPlace(backend: backend, key: key), at: time) }
    }

    public func forgoBlob(_ key: BlobKey, in backend: BackendID) async throws {
        let time = now()
        state.withLock { state in
            let place = BlobPlace(backend: backend, key: key)
            guard state.reserved[place] != nil else { return }
            state.reserved[place] = ReservedKey(version: nil, createdAt: time)
        }
    }

    public func giveUpBlobs(reservedBefore date: Timestamp) async throws -> Int {
        let time = now()
        return state.withLock { state in
            let old = state.reserved.filter { $0.value.version != nil && $0.value.createdAt < date }
            for place in old.keys { state.giveUp(place, at: time) }
            let forgotten = date.adding(seconds: -86_400)
            state.reserved = state.reserved.filter { $0.value.version != nil || $0.value.createdAt >= forgotten }
            return old.count
        }
    }
}

extension InMemoryMetadataStore.State {
    /// Whether a project may write to a store.
    func isOpen(_ backend: BackendID, to project: BucketID) -> Bool {
        guard let row = backends[backend] else { return false }
        return row.project == project && row.sealedCredentials != nil
    }

    /// Whether something is at a key, was lately, or is about to be.
    func knows(_ place: InMemoryMetadataStore.BlobPlace) -> Bool {
        reserved[place] != nil || blobs.values.contains { InMemoryMetadataStore.BlobPlace($0.location) == place }
            || deletions.values.contains { $0.place == place }
    }

    /// Ends the reservation of a blob that gets its row.
    mutating func settleReservation(of object: NewObject) throws(StorageError) {
        let place = InMemoryMetadataStore.BlobPlace(object.blob)
        if object.isAdopted { return try requireAdoptable(place, by: object.address) }
        try settleReservation(of: place, for: object.version, of: object.address.bucket)
    }

    private func requireAdoptable(
        _ place: InMemoryMetadataStore.BlobPlace, by address: ObjectAddress
    ) throws(StorageError) {
        guard isOpen(place.backend, to: address.bucket) else {
            throw StorageError(.backendUnavailable, "The project's storage was changed meanwhile", isRetryable: true)
        }
        guard !knows(place) else { throw StorageError.objectExists(address) }
    }

    mutating func settleReservation(
        of place: InMemoryMetadataStore.BlobPlace, for version: ObjectVersion, of project: BucketID
    ) throws(StorageError) {
        guard place.backend.isOwn else { return }
        guard isOpen(place.backend, to: project), reserved[place]?.version == version else {
            throw StorageError(
                .backendUnavailable, "The upload took too long, or the project's storage was changed meanwhile",
                isRetryable: true)
        }
        reserved[place] = nil
    }

    fileprivate mutating func giveUp(_ place: InMemoryMetadataStore.BlobPlace, at time: Timestamp) {
        guard let version = reserved[place]?.version else { return }
        reserved[place] = nil
        queueDeletion(at: place, of: version, due: time)
    }

    fileprivate func contents(of backend: Backend) -> BackendContents {
        let held = blobs.values.map(\.location).filter { $0.backend == backend.id }
        return BackendContents(
            backend: backend, isCurrent: currentBackends.values.contains(backend.id), blobs: Int64(held.count),
            bytes: held.reduce(0) { $0 + $1.size },
            deletions: Int64(deletions.values.count { $0.request.backend == backend.id }))
    }
}
