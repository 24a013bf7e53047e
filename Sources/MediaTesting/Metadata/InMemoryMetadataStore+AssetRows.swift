// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Assets come and go with their objects, as the triggers of `magpie.assets` have it.
extension InMemoryMetadataStore.State {
    /// An object was written, or moved here.
    /// - Parameter old: what the same object was before. Nil for a new one.
    mutating func followObject(_ record: ObjectRecord, was old: ObjectRecord? = nil, at time: Timestamp) {
        followFile(record, was: old, at: time)
        guard projects[record.address.bucket] != nil else { return forgetAsset(of: record.id, at: time) }
        guard let old, assets[record.id] != nil else { return addAsset(record, at: time) }
        let hasNewVersion = old.version != record.version
        if hasNewVersion || old.address != record.address { dropInspection(of: old) }
        let facts = ObjectMetadata(parsing: record.metadata)
        if hasNewVersion {
            assets[record.id]?.facts = Self.statedFacts(facts)
            assets[record.id]?.exif = [:]
            assets[record.id]?.inspectedVersion = nil
            assets[record.id]?.modifiedAt = time
        } else {
            assets[record.id]?.facts.size = facts.size ?? 0
        }
        if old.address != record.address { moveAsset(of: record, from: old.address, at: time) }
        if hasNewVersion || old.address != record.address, assets[record.id]?.inspectedVersion == nil {
            requestInspection(of: record, at: time)
        }
    }

    /// A bucket in use became a project. - Returns: the last key that was looked at; nil at the end.
    mutating func adoptObjects(after key: ObjectKey?, limit: Int, in project: BucketID, at time: Timestamp) -> ObjectKey? {
        let all = objects.values.filter { record in
            record.address.bucket == project && key.map { $0 < record.address.key } ?? true
        }
        let next = all.sorted { $0.address.key < $1.address.key }.prefix(max(0, limit))
        for record in next where assets[record.id] == nil { addAsset(record, at: time, priority: -1) }
        return next.count == limit ? next.last?.address.key : nil
    }

    mutating func forgetAsset(of object: ObjectID, at time: Timestamp) {
        guard let gone = assets.removeValue(forKey: object) else { return }
        for (id, asset) in assets where asset.address.bucket == gone.address.bucket && asset.thumbnailID == gone.id {
            assets[id]?.thumbnailID = nil
        }
        if gone.origin == nil, mayHaveDerived(gone) { requestDeletionOfDerived(from: gone, at: time) }
    }

    /// Whether something may have been made of an asset.
    private func mayHaveDerived(_ asset: Asset) -> Bool {
        asset.facts.kind == .video || asset.facts.kind == .document
            || assets.values.contains { $0.address.bucket == asset.address.bucket && $0.origin?.source == asset.id }
    }

    private mutating func requestDeletionOfDerived(from source: Asset, at time: Timestamp) {
        let payload = JSONWriter.object { writer in
            writer.key("sources")
            writer.array([source.id.rawValue]) { $0.string($1) }
        }
        let job = NewJob(
            .deleteDerived, bucket: source.address.bucket, payload: JSONText(trusted: payload), runAfter: time.adding(seconds: 1))
        _ = enqueue(job, at: time)
    }

    mutating func dropInspection(of record: ObjectRecord) {
        let key = Self.inspectionKey(record)
        for (id, stored) in jobs where stored.uniqueKey == key && stored.job.status == .pending { jobs[id] = nil }
    }

    func asset(_ name: String, in project: BucketID) -> (object: ObjectID, asset: Asset)? {
        let isID = AssetID.isID(name)
        return assets.first {
            $0.value.address.bucket == project && (isID ? $0.value.id.rawValue == name : $0.value.publicID == name)
        }
        .map { ($0.key, $0.value) }
    }

    /// A public id like `wanted` that no asset has.
    func freePublicID(_ wanted: String, in project: BucketID) -> String {
        guard asset(wanted, in: project) != nil else { return wanted }
        return (2...).lazy.map { "\(wanted)-\($0)" }.first { asset($0, in: project) == nil } ?? wanted
    }

    private mutating func addAsset(_ record: ObjectRecord, at time: Timestamp, priority: Int = 0) {
        let stated = ObjectMetadata(parsing: record.metadata)
        let key = record.address.key.rawValue
        let isMark = key.hasSuffix("/") || key.split(separator: "/").last == ".emptyFolderPlaceholder"
        guard !isMark || stated.size ?? 0 > 0 else { return }
        let facts = Self.statedFacts(stated)
        var asset = Asset(
            id: newID(of: record, facts.kind, at: time), address: record.address, inspectedVersion: nil,
            originalFileName: AssetKey.fileName(key), facts: facts, uploadedAt: record.createdAt ?? time,
            modifiedAt: record.updatedAt ?? time)
        asset.details.folder = AssetKey.folder(key)
        assets[record.id] = asset
        requestInspection(of: record, at: time, priority: priority)
    }

    private mutating func moveAsset(of record: ObjectRecord, from old: ObjectAddress, at time: Timestamp) {
        guard var asset = assets[record.id] else { return }
        let (oldKey, newKey) = (old.key.rawValue, record.address.key.rawValue)
        let (oldID, isElsewhere) = (asset.id, old.bucket != record.address.bucket)
        let isTaken = assets.contains {
            $0.key != record.id && $0.value.address.bucket == record.address.bucket && $0.value.id == oldID
        }
        if AssetKey.isID(newKey) || isElsewhere && isTaken {
            let id = newID(of: record, asset.facts.kind, at: time)
            if isElsewhere || id.rawValue == newKey { asset.id = id }
        }
        for (id, other) in assets where id != record.id && other.address.bucket == old.bucket {
            if other.thumbnailID == oldID { assets[id]?.thumbnailID = isElsewhere ? nil : asset.id }
            if other.origin?.source == oldID, !isElsewhere { assets[id]?.origin?.source = asset.id }
        }
        if isElsewhere {
            if let left = assets[record.id], mayHaveDerived(left) {
                requestDeletionOfDerived(from: left, at: time)
                asset.inspectedVersion = nil
            }
            asset.origin = nil
            asset.thumbnailID = nil
            asset.publicID = asset.publicID.map { freePublicID($0, in: record.address.bucket) }
        }
        if asset.details.folder == AssetKey.folder(oldKey) { asset.details.folder = AssetKey.folder(newKey) }
        if asset.originalFileName == AssetKey.fileName(oldKey), let name = AssetKey.fileName(newKey) {
            asset.originalFileName = name
        }
        asset.address = record.address
        asset.modifiedAt = time
        assets[record.id] = asset
    }

    private func newID(of record: ObjectRecord, _ kind: AssetKind, at time: Timestamp) -> AssetID {
        let key = record.address.key.rawValue
        let isTaken = assets.contains {
            $0.key != record.id && $0.value.address.bucket == record.address.bucket && $0.value.id.rawValue == key
        }
        if AssetKey.isID(key), !isTaken { return AssetID(stored: key) }
        let prefix: AssetID.Prefix =
            switch kind {
            case .video: .video
            case .document: .document
            case .image, .other: .image
            }
        return AssetID(prefix, at: record.createdAt ?? time)
    }

    private mutating func requestInspection(of record: ObjectRecord, at time: Timestamp, priority: Int = 0) {
        guard let asset = assets[record.id] else { return }
        let payload = JSONWriter.object { $0.field("version", record.version?.rawValue) }
        _ = enqueue(
            NewJob(
                JobKind("inspect"), bucket: record.address.bucket, subject: asset.id.rawValue,
                payload: JSONText(trusted: payload),
                uniqueKey: Self.inspectionKey(record), runAfter: time.adding(seconds: 5), priority: priority),
            at: time)
    }

    private static func inspectionKey(_ record: ObjectRecord) -> String {
        "inspect:\(record.id):\(record.address)\n\(record.version?.rawValue ?? "")"
    }

    private static func statedFacts(_ stated: ObjectMetadata) -> AssetFacts {
        let type = stated.mimetype.flatMap { $0.isEmpty ? nil : $0 }
        return AssetFacts(
            kind: AssetKind(mediaType: type), mediaType: type ?? "application/octet-stream", size: stated.size ?? 0)
    }
}

/// What a key tells of an asset.
private enum AssetKey {
    static func isID(_ key: String) -> Bool {
        AssetID.isID(key) && key.utf8.count == 30
            && key.utf8.dropFirst(4).allSatisfy { Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8).contains($0) }
    }

    /// The folder that a key lies in; the root where it would be no path of folders.
    static func folder(_ key: String) -> FolderPath {
        let names = key.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        do { return try FolderPath(names.joined(separator: "/")) } catch { return .root }
    }

    static func fileName(_ key: String) -> String? {
        guard !isID(key), let name = key.split(separator: "/").last else { return nil }
        return key.hasSuffix("/") ? name + "/" : String(name)
    }
}
