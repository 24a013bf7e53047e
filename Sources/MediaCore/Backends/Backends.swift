// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Stores of projects' own: configuring them, leaving them, and asking how they are.
///
/// All of it is for those who may change the project, as the policies are then. Credentials go in and never come out.
public struct Backends: Sendable {
    let metadata: any MetadataStore
    let opener: any BackendOpener
    let vault: BackendVault
    let cache: ReadCache
    let jobs: Jobs
    let logger: Logger
    let now: @Sendable () -> Timestamp

    init(
        metadata: any MetadataStore, opener: any BackendOpener, vault: BackendVault, cache: ReadCache, jobs: Jobs,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        self.metadata = metadata
        self.opener = opener
        self.vault = vault
        self.cache = cache
        self.jobs = jobs
        self.logger = logger
        self.now = now
    }

    /// For commands, which change projects beside running servers.
    /// - Parameter masterKey: 32 bytes.
    public init(metadata: any MetadataStore, opener: any BackendOpener, masterKey: [UInt8], logger: Logger) {
        self.init(
            metadata: metadata, opener: opener, vault: BackendVault(metadata: metadata, masterKey: masterKey),
            cache: ReadCache(capacity: 0, maxBodyBytes: 0), jobs: Jobs(metadata: metadata, wake: WakeSignal()), logger: logger)
    }

    /// The store that a project's new originals go to. Nil: the server's default store.
    /// - Throws: `StorageError` with `.bucketNotFound`, also when hidden or no project; `.accessDenied` for who may only see it.
    public func current(of project: BucketID, as caller: Caller) async throws -> Backend? {
        _ = try await requireProject(project, caller)
        return try await metadata.currentBackend(of: project, facts: caller.facts)
    }

    /// Every store that a project has or had, with what is in it.
    /// - Throws: as `current`.
    public func all(of project: BucketID, as caller: Caller) async throws -> [BackendContents] {
        _ = try await requireProject(project, caller)
        return try await metadata.backends(of: project)
    }

    /// Tries a configuration without keeping anything of it.
    /// - Throws: as `current`; `.accessDenied` when the plan has no storage of one's own; `.invalidParameter` for a configuration that can't
    ///   be one. What the store says is in the trial.
    public func validate(
        _ configuration: BackendConfiguration, of project: BucketID, as caller: Caller
    ) async throws -> BackendTrial {
        try requirePlan(await requireProject(project, caller))
        return try await self.try(configuration.checked(), of: project)
    }

    /// Has new originals of a project go to a store, once it was tried. Those that are there already stay where they are, and are read there.
    ///
    /// A place that the project had before is the same store again: what is in it is within reach again.
    /// - Returns: the store; nil, with the trial that failed, when it can't be used: then nothing changed.
    /// - Throws: as `validate`.
    public func configure(
        _ configuration: BackendConfiguration, of project: BucketID, as caller: Caller
    ) async throws -> (backend: Backend?, trial: BackendTrial) {
        try requirePlan(await requireProject(project, caller))
        let configuration = try configuration.checked()
        let trial = try await self.try(configuration, of: project)
        guard trial.failure == nil else { return (nil, trial) }
        var backend = try vault.backend(configuration, of: project, at: now())
        backend.health = BackendHealth(checkedAt: now())
        defer { cache.invalidate(project) }
        let used = try await runToEnd { [metadata, backend] in
            try await metadata.useBackend(backend, of: project, as: caller)
        }
        return (used, trial)
    }

    /// Has new originals of a project go to the server's default store. Those in the project's own stay there, and are read there.
    /// - Parameter forgetsCredentials: of all stores that the project has or had: what is there is out of reach until the same place is
    ///   configured again.
    /// - Returns: whether the project had a store of its own.
    /// - Throws: as `current`.
    public func remove(
        of project: BucketID, forgetsCredentials: Bool = false, as caller: Caller
    ) async throws -> Bool {
        _ = try await requireProject(project, caller)
        defer { cache.invalidate(project) }
        return try await runToEnd { [metadata] in
            try await metadata.leaveBackend(of: project, forgetsCredentials: forgetsCredentials, as: caller)
        }
    }

    /// Tries the store of a project as it is configured, and takes down what came of it.
    /// - Throws: as `current`; `.notConfigured` when the project has no store of its own.
    public func health(of project: BucketID, as caller: Caller) async throws -> (health: BackendHealth, trial: BackendTrial) {
        _ = try await requireProject(project, caller)
        guard let backend = try await metadata.currentBackend(of: project, facts: caller.facts) else {
            throw StorageError(
                .notConfigured, "The project keeps its originals in the server's own storage", resource: project.rawValue)
        }
        let trial = try await self.try(backend, of: project)
        let health = BackendHealth(checkedAt: now(), failure: trial.failure.map { "\($0.stage.rawValue): \($0.message)" })
        try await metadata.recordHealth(health, of: backend.id)
        return (health, trial)
    }

    func requireProject(_ id: BucketID, _ caller: Caller) async throws -> Project {
        try await metadata.requireMayChange(id, as: caller)
        let project = try await cache.projects.value(of: id) { try await metadata.project(id, facts: caller.facts) }
        guard let project else { throw StorageError.bucketNotFound(id) }
        return project
    }

    private func requirePlan(_ project: Project) throws(StorageError) {
        guard project.plan.allowsOwnStorage else {
            throw StorageError(
                .accessDenied, "The plan \(project.plan.name.rawValue) has no storage of one's own", resource: project.id.rawValue
            )
        }
    }
}
