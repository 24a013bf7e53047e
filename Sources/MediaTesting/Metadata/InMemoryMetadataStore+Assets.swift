// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func asset(_ name: String, in project: BucketID, as caller: Caller) async throws -> Asset {
        try transaction(as: caller) { state, security in
            guard state.projects[project] != nil else { throw StorageError.bucketNotFound(project) }
            guard let found = state.asset(name, in: project), state.sees(found.asset, security) else {
                throw StorageError(.objectNotFound, "Object not found", resource: name)
            }
            return found.asset
        }
    }

    public func assetAddress(_ name: String, in project: BucketID, facts: RequestFacts) async throws -> ObjectAddress? {
        state.withLock { $0.asset(name, in: project)?.asset.address }
    }

    public func assets(matching query: AssetQuery, in project: BucketID, as caller: Caller) async throws -> AssetPage {
        try transaction(as: caller) { state, security in
            guard state.projects[project] != nil else { throw StorageError.bucketNotFound(project) }
            var query = query
            let sought = state.assets.values.first { asset in
                asset.address.bucket == project && query.search?.uppercased() == asset.id.rawValue.uppercased()
            }
            if sought != nil { query.search = nil }
            let found = state.assets.values
                .filter { asset in
                    asset.address.bucket == project && (sought == nil || asset.id == sought?.id) && query.matches(asset)
                        && state.sees(asset, security)
                }
                .sorted { Self.goesFirst($0.id, $1.id) }
            let rest = query.after.map { last in found.filter { Self.goesFirst(last, $0.id) } } ?? found
            return AssetPage(
                assets: Array(rest.prefix(query.limit)), hasMore: rest.count > query.limit, total: found.count)
        }
    }

    public func derivedAssets(of id: AssetID, in project: BucketID, as caller: Caller) async throws -> [Asset] {
        try transaction(as: caller) { state, security in
            state.assets.values
                .filter { $0.address.bucket == project && $0.origin?.source == id && state.sees($0, security) }
                .sorted { DerivationOrder.precedes($0, $1) }
        }
    }

    public func recordAsset(_ record: AssetRecord, facts: RequestFacts) async throws -> Asset? {
        let time = now()
        return state.withLock { state in
            guard let object = state.objects[record.address], object.version == record.version,
                var asset = state.assets[object.id]
            else { return nil }
            asset.facts = record.facts
            asset.exif = record.exif
            if record.isInspected { asset.inspectedVersion = record.version }
            asset.originalFileName = record.originalFileName ?? asset.originalFileName
            asset.origin = record.origin ?? asset.origin
            asset.apply(record.changes, at: time)
            if let wanted = record.publicID, asset.publicID == nil {
                asset.publicID = state.freePublicID(wanted, in: record.address.bucket)
            }
            state.assets[object.id] = asset
            if record.isThumbnail, let source = asset.origin?.source.rawValue,
                let parent = state.asset(source, in: record.address.bucket)
            {
                state.assets[parent.object]?.thumbnailID = asset.id
            }
            if record.isInspected { state.dropInspection(of: object) }
            return asset
        }
    }

    public func updateAsset(
        _ name: String, changes: AssetChanges, in project: BucketID, as caller: Caller
    ) async throws -> Asset {
        let time = now()
        return try transaction(as: caller) { state, security in
            guard var found = state.asset(name, in: project), let object = state.objects[found.asset.address],
                security.sees(object)
            else { throw StorageError(.objectNotFound, "Object not found", resource: name) }
            guard security.allows(.update, .object(object)) else {
                throw security.refused(.update, .object(object), "Access denied")
            }
            found.asset.apply(changes, at: time)
            state.assets[found.object] = found.asset
            return found.asset
        }
    }

    public func adoptObjects(after key: ObjectKey?, limit: Int, in project: BucketID) async throws -> ObjectKey? {
        let time = now()
        return state.withLock { $0.adoptObjects(after: key, limit: limit, in: project, at: time) }
    }

    // MARK: Folders

    public func folders(in project: BucketID, as caller: Caller) async throws -> [FolderPath] {
        try transaction(as: caller) { state, security in
            let isVisible = state.buckets[project].map { security.sees($0) } ?? false
            let made = isVisible ? state.assetFolders[project] ?? [] : []
            let used = state.assets.values.filter {
                $0.address.bucket == project && $0.facts.kind != .other && state.sees($0, security)
            }
            return Set((made + used.map(\.details.folder)).flatMap(\.ancestry)).sorted()
        }
    }

    public func createFolder(_ path: FolderPath, in project: BucketID, as caller: Caller) async throws {
        try changeFolders(of: project, as: caller) { $0.assetFolders[project, default: []].formUnion(path.ancestry) }
    }

    public func deleteFolder(
        _ path: FolderPath, limit: Int, in project: BucketID, as caller: Caller
    ) async throws -> Bool {
        guard !path.isRoot else { return false }
        let time = now()
        return try changeFolders(of: project, as: caller) { state in
            let gone = (state.assetFolders[project] ?? []).filter { $0.ancestry.contains(path) }
            state.assetFolders[project]?.subtract(gone)
            let isUsed = state.filed(in: path, of: project).contains { $0.value.facts.kind != .other }
            if state.unfile(path, in: project, unchangedSince: time, limit: limit, at: time) == limit {
                let payload = JSONWriter.object { writer in
                    writer.field("folder", path.rawValue)
                    writer.field("before", time.microseconds)
                }
                _ = state.enqueue(
                    NewJob(.unfileAssets, bucket: project, payload: JSONText(trusted: payload)), at: time)
            }
            return !gone.isEmpty || isUsed
        }
    }

    public func unfileAssets(
        of path: FolderPath, unchangedSince: Timestamp, limit: Int, in project: BucketID
    ) async throws -> Int {
        guard !path.isRoot else { return 0 }
        let time = now()
        return state.withLock {
            $0.unfile(path, in: project, unchangedSince: unchangedSince, limit: limit, at: time)
        }
    }

    private func changeFolders<Value: Sendable>(
        of project: BucketID, as caller: Caller, _ change: (inout State) -> Value
    ) throws -> Value {
        try transaction(as: caller) { state, security in
            guard state.projects[project] != nil, let bucket = state.buckets[project], security.sees(bucket) else {
                throw StorageError.bucketNotFound(project)
            }
            guard security.allows(.update, .bucket(bucket)) || security.writes(project) else {
                throw security.refused(.update, .bucket(bucket), "Access denied")
            }
            return change(&state)
        }
    }

    /// The newest first: by the times of ids, whatever their prefixes.
    private static func goesFirst(_ a: AssetID, _ b: AssetID) -> Bool {
        (String(a.rawValue.dropFirst(4)), a.rawValue) > (String(b.rawValue.dropFirst(4)), b.rawValue)
    }
}

extension InMemoryMetadataStore.State {
    fileprivate func filed(in path: FolderPath, of project: BucketID) -> [ObjectID: Asset] {
        assets.filter { $0.value.address.bucket == project && $0.value.details.folder.ancestry.contains(path) }
    }

    fileprivate mutating func unfile(
        _ path: FolderPath, in project: BucketID, unchangedSince: Timestamp, limit: Int, at time: Timestamp
    ) -> Int {
        let next = filed(in: path, of: project).filter { $0.value.modifiedAt <= unchangedSince }.keys.prefix(max(0, limit))
        for id in next {
            assets[id]?.details.folder = .root
            assets[id]?.modifiedAt = time
        }
        return next.count
    }

    fileprivate func sees(_ asset: Asset, _ security: RowSecurity) -> Bool {
        objects[asset.address].map { security.sees($0) } ?? false
    }
}

extension AssetQuery {
    fileprivate func matches(_ asset: Asset) -> Bool {
        let details = asset.details
        let texts = [asset.originalFileName, details.name, details.description, details.caption]
        return asset.facts.kind != .other && (includesDerived || asset.origin == nil)
            && (folder == nil || details.folder == folder) && (isVideo == nil || isVideo == (asset.facts.kind == .video))
            && (category == nil || category.map(Self.folded) == details.category.map(Self.folded))
            && Self.isPart(search, of: texts.compactMap { $0 } + details.keywords)
            && Self.isPart(keyword, of: details.keywords)
            && Self.isPart(author, of: [details.author].compactMap { $0 })
    }

    private static func isPart(_ part: String?, of texts: [String]) -> Bool {
        guard let part, !part.isEmpty else { return true }
        return texts.contains {
            ListingOrder.text(ListingOrder.folded($0)).contains(ListingOrder.text(ListingOrder.folded(part)))
        }
    }

    private static func folded(_ text: String) -> String { ListingOrder.text(ListingOrder.folded(text)) }
}

extension Asset {
    fileprivate mutating func apply(_ changes: AssetChanges, at time: Timestamp) {
        func text(_ new: String?, _ old: String?) -> String? { new.map { $0.isEmpty ? nil : $0 } ?? old }
        details.name = text(changes.name, details.name)
        details.description = text(changes.description, details.description)
        details.caption = text(changes.caption, details.caption)
        details.category = text(changes.category, details.category)
        details.author = text(changes.author, details.author)
        details.copyrightHolder = text(changes.copyrightHolder, details.copyrightHolder)
        details.license = text(changes.license, details.license)
        details.locationName = text(changes.locationName, details.locationName)
        details.customID = text(changes.customID, details.customID)
        details.folder = changes.folder ?? details.folder
        details.copyrightYear = changes.copyrightYear ?? details.copyrightYear
        details.latitude = changes.latitude ?? details.latitude
        details.longitude = changes.longitude ?? details.longitude
        details.keywords = changes.keywords ?? details.keywords
        details.dateCreated = changes.dateCreated ?? details.dateCreated
        details.datePublished = changes.datePublished ?? details.datePublished
        details.representativeOfPage = changes.representativeOfPage ?? details.representativeOfPage
        details.tags = changes.tags ?? details.tags
        exif = changes.exif ?? exif
        modifiedAt = time
    }
}
