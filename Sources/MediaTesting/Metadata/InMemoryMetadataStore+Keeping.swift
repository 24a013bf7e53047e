// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// What a versioned bucket does with rows that are superseded, deleted or moved.
extension InMemoryMetadataStore.State {
    func versioning(of bucket: BucketID) -> BucketVersioning { settings[bucket]?.versioning ?? .off }

    func isVersioned(_ version: ObjectVersion?) -> Bool { version.flatMap { blobs[$0]?.isVersioned } ?? false }

    /// Of objects, and of what is kept.
    var referencedVersions: Set<ObjectVersion> {
        Set(objects.values.compactMap(\.version)).union(kept.values.joined().compactMap(\.record.version))
    }

    /// Deletes a row: keeps it under a delete marker, or requests the deletion of its blob.
    mutating func remove(_ record: ObjectRecord, at time: Timestamp, by subject: String? = nil, forgets: Bool = false) {
        objects[record.address] = nil
        forgetAsset(of: record.id, at: time)
        forgetFile(of: record)
        dropInspection(of: record)
        self.record(.removedByDelete, record, at: time)
        report(.object(record.address))
        let versioning = versioning(of: record.address.bucket)
        guard !forgets, versioning != .off else { return queueDeletion(of: record.version, due: time) }
        keep(record, versioning, at: time)
        markDeleted(record.address, at: time, by: subject)
    }

    /// Keeps, or requests the deletion of, what a put supersedes.
    mutating func makeWay(at address: ObjectAddress, at time: Timestamp) {
        let versioning = versioning(of: address.bucket)
        if let superseded = objects[address] { keep(superseded, versioning, at: time) }
        if versioning == .suspended { dropNull(at: address, at: time) }
    }

    mutating func markDeleted(_ address: ObjectAddress, at time: Timestamp, by subject: String?) {
        let isNull = versioning(of: address.bucket) == .suspended
        if isNull { dropNull(at: address, at: time) }
        let marker = ObjectRecord(
            id: ObjectID(), address: address, version: ObjectVersion(), ownerID: subject, createdAt: time, updatedAt: time)
        lastSequence += 1
        kept[address, default: []].append(
            .init(record: marker, isNull: isNull, isDeleteMarker: true, supersededAt: time, sequence: lastSequence))
        report(.object(address))
    }

    mutating func settleMove(of moved: ObjectRecord, from source: ObjectAddress, at time: Timestamp, by subject: String?) {
        if source != moved.address, versioning(of: source.bucket) != .off { markDeleted(source, at: time, by: subject) }
        let versioning = versioning(of: moved.address.bucket)
        if let version = moved.version { blobs[version]?.isVersioned = versioning == .enabled }
        if versioning != .off, !isVersioned(moved.version) { dropNull(at: moved.address, at: time) }
    }

    /// Makes the newest version that is left the current one, unless it is a delete marker.
    mutating func promote(_ address: ObjectAddress, at time: Timestamp) {
        guard objects[address] == nil, let newest = kept[address]?.last, !newest.isDeleteMarker else { return }
        forget(address, at: (kept[address]?.count ?? 1) - 1)
        var record = newest.record
        if objects.values.contains(where: { $0.id == record.id }) { record.id = ObjectID() }
        objects[address] = record
        followObject(record, at: time)
        self.record(.createdByPost, record, at: time)
        report(.object(address))
    }

    /// Removes kept versions for good, without promoting any. - Returns: how many.
    mutating func forgetKept(in bucket: BucketID, createdBefore date: Timestamp, limit: Int, at time: Timestamp) -> Int {
        var count = 0
        for address in kept.keys.filter({ $0.bucket == bucket }).sorted(by: { $0.key < $1.key }) {
            while count < limit,
                let index = kept[address]?.firstIndex(where: { $0.record.createdAt.map { $0 < date } ?? false })
            {
                queueDeletion(of: kept[address]?[index].record.version, due: time)
                forget(address, at: index)
                count += 1
            }
        }
        return count
    }

    mutating func forget(_ address: ObjectAddress, at index: Int) {
        kept[address]?.remove(at: index)
        if kept[address]?.isEmpty ?? false { kept[address] = nil }
    }

    private mutating func keep(_ record: ObjectRecord, _ versioning: BucketVersioning, at time: Timestamp) {
        let isNull = !isVersioned(record.version)
        guard versioning == .enabled || versioning == .suspended && !isNull else {
            return queueDeletion(of: record.version, due: time)
        }
        var row = record
        if row.version == nil { row.version = ObjectVersion() }
        lastSequence += 1
        kept[record.address, default: []].append(.init(record: row, isNull: isNull, supersededAt: time, sequence: lastSequence))
    }

    private mutating func dropNull(at address: ObjectAddress, at time: Timestamp) {
        guard let index = kept[address]?.firstIndex(where: \.isNull) else { return }
        queueDeletion(of: kept[address]?[index].record.version, due: time)
        forget(address, at: index)
    }
}
