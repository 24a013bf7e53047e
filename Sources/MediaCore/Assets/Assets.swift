// SPDX-License-Identifier: Apache-2.0

import Logging
public import NIOCore

/// The media in projects: what is known of it, and how it gets there.
public struct Assets: Sendable {
    public struct Configuration: Sendable {
        public var limits: AssetLimits
        /// How long looking at an image may take.
        public var timeout: TimeAmount
        /// How many images wait to be looked at before more are turned away.
        public var queue: Int
        /// How many jobs on documents of one project a process runs at a time.
        public var documentJobs: Int

        public init(
            limits: AssetLimits = AssetLimits(), timeout: TimeAmount = .seconds(15), queue: Int = 256, documentJobs: Int = 1
        ) {
            self.limits = limits
            self.timeout = timeout
            self.queue = queue
            self.documentJobs = documentJobs
        }
    }

    let metadata: any MetadataStore
    let objects: Objects
    let delivery: Delivery
    let jobs: Jobs
    let examiner: MediaExaminer
    /// Nil where documents and videos are only kept.
    let converter: (any MediaConverter)?
    let configuration: Configuration
    /// Whoever makes what is derived.
    let service: Principal
    let logger: Logger

    /// What runs the jobs about assets.
    public var jobHandlers: [any JobHandler] {
        [InspectJob(assets: self), AdoptJob(metadata: metadata), DeleteDerivedJob(assets: self), UnfileJob(metadata: metadata)]
            + [.rasteriseDocument, .splitDocument, .drawDocument].map { DocumentJob(kind: $0, assets: self) }
    }

    /// By id or readable name. - Throws: what `AssetStore.asset` throws.
    public func asset(_ name: String, in project: BucketID, as caller: Caller) async throws -> Asset {
        try await metadata.asset(name, in: project, as: caller)
    }

    /// The newest first. - Throws: what `AssetStore.assets` throws.
    public func list(_ query: AssetQuery, in project: BucketID, as caller: Caller) async throws -> AssetPage {
        try await metadata.assets(matching: query, in: project, as: caller)
    }

    /// What was made of an asset. - Throws: what `AssetStore.asset` throws.
    public func derived(of name: String, in project: BucketID, as caller: Caller) async throws -> [Asset] {
        let asset = try await asset(name, in: project, as: caller)
        return try await metadata.derivedAssets(of: asset.id, in: project, as: caller)
    }

    /// - Throws: what `AssetChanges.check` and `AssetStore.updateAsset` throw.
    public func update(
        _ name: String, changes: AssetChanges, in project: BucketID, as caller: Caller
    ) async throws -> Asset {
        try changes.check()
        return try await runToEnd { try await metadata.updateAsset(name, changes: changes, in: project, as: caller) }
    }

    /// Deletes an asset with everything that was derived from it, which goes first: what is left of a deletion that was cut short is the
    /// asset, to be deleted again.
    /// - Throws: what `AssetStore.asset` throws; what `Objects.delete` throws.
    public func delete(_ name: String, in project: BucketID, as caller: Caller) async throws {
        let asset = try await asset(name, in: project, as: caller)
        let derived = try await metadata.derivedAssets(of: asset.id, in: project, as: caller)
        _ = try await objects.delete(derived.map(\.address.key), in: project, as: caller)
        try await objects.delete(asset.address, as: caller)
    }

    /// Where a delivery URL finds an asset: by id or readable name. Nil when there is none.
    public func address(_ name: String, in project: BucketID, facts: RequestFacts) async throws -> ObjectAddress? {
        try await metadata.assetAddress(name, in: project, facts: facts)
    }

    // MARK: Folders

    public func folders(in project: BucketID, as caller: Caller) async throws -> [FolderPath] {
        try await metadata.folders(in: project, as: caller)
    }

    /// - Throws: what `AssetStore.createFolder` throws; `StorageError` with `.invalidParameter` for the root.
    public func createFolder(_ path: FolderPath, in project: BucketID, as caller: Caller) async throws {
        guard !path.isRoot else { throw StorageError(.invalidParameter, "path must name a folder", resource: "path") }
        try await runToEnd { try await metadata.createFolder(path, in: project, as: caller) }
    }

    /// - Throws: what `AssetStore.deleteFolder` throws.
    public func deleteFolder(_ path: FolderPath, in project: BucketID, as caller: Caller) async throws -> Bool {
        guard !path.isRoot else { return false }
        return try await runToEnd { try await metadata.deleteFolder(path, limit: UnfileJob.batch, in: project, as: caller) }
    }
}
