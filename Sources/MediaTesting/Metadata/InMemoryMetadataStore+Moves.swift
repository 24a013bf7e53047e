// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

/// Bytes that leave one store for another.
extension InMemoryMetadataStore {
    public func countMovableBlobs(of project: BucketID, to backend: BackendID) async throws -> Int64 {
        state.withLock { Int64($0.movable(of: project, to: backend).count) }
    }

    public func movableBlobs(
        of project: BucketID, to backend: BackendID, after cursor: MovableBlob.Cursor, limit: Int
    ) async throws -> MovableBlobPage {
        let rest = state.withLock { $0.movable(of: project, to: backend) }
            .filter { Self.order($0.cursor).lexicographicallyPrecedes(Self.order(cursor)) == false && $0.cursor != cursor }
            .sorted { Self.order($0.cursor).lexicographicallyPrecedes(Self.order($1.cursor)) }
        let page = rest.prefix(limit)
        return MovableBlobPage(blobs: page.map(\.blob), next: page.count == limit ? page.last?.cursor : nil)
    }

    public func moveBlob(
        _ blob: MovableBlob, to key: BlobKey, in backend: BackendID, keepingSourceFor seconds: Int64
    ) async throws -> Bool {
        let time = now()
        return try state.withLock { state in
            let place = BlobPlace(blob.location)
            guard state.isVersion(blob.version, of: blob.address), let stored = state.blobs[blob.version],
                BlobPlace(stored.location) == place
            else { return false }
            try state.settleReservation(
                of: BlobPlace(backend: backend, key: key), for: blob.version, of: blob.address.bucket)
            state.blobs[blob.version]?.location.backend = backend
            state.blobs[blob.version]?.location.key = key
            state.queueDeletion(at: place, of: blob.version, due: time.adding(seconds: seconds))
            state.report(.object(blob.address))
            return true
        }
    }

    /// What lists are sorted by: current versions first, then bytes.
    private static func order(_ cursor: MovableBlob.Cursor) -> [UInt8] {
        [cursor.isKept ? 1 : 0] + Array(cursor.key.utf8) + [0] + Array(cursor.version.utf8)
    }
}

extension InMemoryMetadataStore.State {
    fileprivate func movable(
        of project: BucketID, to backend: BackendID
    ) -> [(blob: MovableBlob, cursor: MovableBlob.Cursor)] {
        let current = objects.values.filter { $0.address.bucket == project }.map { ($0, false) }
        let kept = self.kept.filter { $0.key.bucket == project }.values.joined().map { ($0.record, true) }
        return (current + kept).compactMap { record, isKept in
            guard let version = record.version, let location = blobs[version]?.location, location.backend != backend else {
                return nil
            }
            let key = record.address.key.rawValue
            return (
                MovableBlob(address: record.address, version: version, location: location),
                MovableBlob.Cursor(isKept: isKept, key: key, version: isKept ? version.rawValue : "")
            )
        }
    }

    fileprivate func isVersion(_ version: ObjectVersion, of address: ObjectAddress) -> Bool {
        objects[address]?.version == version || kept[address]?.contains { $0.record.version == version } == true
    }
}
