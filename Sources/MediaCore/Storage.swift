// SPDX-License-Identifier: Apache-2.0

public import Logging

/// The core as front-ends see it.
public struct Storage: Sendable {
    /// Nil where the S3 dialect is not configured.
    public let accessKeys: AccessKeys?
    public let accounts: Accounts
    public let assets: Assets
    public let authenticator: Authenticator
    /// Nil where there is no master key to seal credentials with, or nothing to open stores with.
    public let backends: Backends?
    public let buckets: Buckets
    public let delivery: Delivery
    public let files: Files
    public let jobs: Jobs
    /// What runs the jobs that the core knows of, one a kind.
    public let jobHandlers: [any JobHandler]
    public let objects: Objects
    /// Nil where there is no master key to seal secrets with.
    public let originalsSigning: OriginalsSigning?
    public let projects: Projects
    public let signedURLs: SignedURLs
    public let uploads: Uploads
    /// Told of every answer and rendering.
    public let usage: UsageMeter
    /// Nil where images are only delivered as they are.
    public let variants: Variants?
    /// Shared with whoever follows the database's changes.
    public let cache: ReadCache
    public let reaper: WakeSignal
    /// Wakes whoever delivers events.
    public let events: WakeSignal
    /// The role whose callers are the service itself.
    public let serviceRole: String
    private let metadata: any MetadataStore

    /// What the core needs to know, parsed and checked by the executable.
    public struct Configuration: Sendable {
        public var uploadLimits: UploadLimits
        public var uploads: Uploads.Configuration
        public var assets: Assets.Configuration
        public var variants: Variants.Configuration
        /// In seconds.
        public var signedUploadLifetime: Int64
        /// In bytes.
        public var cacheCapacity: Int
        /// In bytes.
        public var cachedBodyLimit: Int
        public var anonymousRole: String
        public var serviceRole: String
        /// A role that reads through the cache what is not public: no policy binds it, and nobody writes past this server. Nil: none.
        public var unboundRole: String?
        /// How many uploads a minute each key of projects may make; 0: any number.
        public var uploadsPerMinute: Int
        /// How many uploads of a key may wait for their turn.
        public var uploadQueue: Int
        public var accounts: Accounts.Configuration
        public var migrations: MigrationLimits
        public var files: Files.Configuration
        /// Nil: no key pairs.
        public var accessKeys: AccessKeys.Configuration?

        public init(
            uploadLimits: UploadLimits, uploads: Uploads.Configuration = Uploads.Configuration(),
            assets: Assets.Configuration = Assets.Configuration(),
            variants: Variants.Configuration = Variants.Configuration(), signedUploadLifetime: Int64 = 7200,
            cacheCapacity: Int = 128 << 20,
            cachedBodyLimit: Int = 256 << 10, anonymousRole: String = "anon", serviceRole: String = "service_role",
            unboundRole: String? = nil, uploadsPerMinute: Int = 100, uploadQueue: Int = 10,
            accounts: Accounts.Configuration = Accounts.Configuration(), migrations: MigrationLimits = MigrationLimits(),
            files: Files.Configuration = Files.Configuration(), accessKeys: AccessKeys.Configuration? = nil
        ) {
            self.uploadLimits = uploadLimits
            self.uploads = uploads
            self.assets = assets
            self.variants = variants
            self.signedUploadLifetime = signedUploadLifetime
            self.cacheCapacity = cacheCapacity
            self.cachedBodyLimit = cachedBodyLimit
            self.anonymousRole = anonymousRole
            self.serviceRole = serviceRole
            self.unboundRole = unboundRole
            self.uploadsPerMinute = uploadsPerMinute
            self.uploadQueue = uploadQueue
            self.accounts = accounts
            self.migrations = migrations
            self.files = files
            self.accessKeys = accessKeys
        }
    }

    /// - Parameters:
    ///   - backends: opens stores of projects' own. Nil: projects have none.
    ///   - processor: nil delivers images only as they are.
    ///   - converter: nil keeps documents and videos as they are.
    ///   - variants: where what was rendered is kept. Nil: in memory only.
    public init(
        configuration: Configuration, keys: KeyRing, metadata: any MetadataStore, blobs: any BlobStoreDirectory,
        backends: (any BackendOpener)? = nil, processor: (any ImageProcessor)? = nil, converter: (any MediaConverter)? = nil,
        variants: (any VariantStore)? = nil,
        logger: Logger,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        let cache = ReadCache(capacity: configuration.cacheCapacity, maxBodyBytes: configuration.cachedBodyLimit)
        let reaper = WakeSignal()
        let events = WakeSignal()
        let usage = UsageMeter(now: now)
        self.cache = cache
        self.usage = usage
        self.reaper = reaper
        self.events = events
        self.serviceRole = configuration.serviceRole
        self.metadata = metadata
        let jobs = Jobs(metadata: metadata, wake: WakeSignal())
        self.jobs = jobs
        self.accessKeys = configuration.accessKeys.map { AccessKeys($0, store: metadata) }
        self.authenticator = Authenticator(keys: keys, anonymousRole: configuration.anonymousRole)
        let originals = OriginalsGate(
            metadata: metadata, cache: cache, anonymousRole: configuration.anonymousRole,
            serviceRole: configuration.serviceRole)
        self.originalsSigning = configuration.accessKeys.map {
            OriginalsSigning(metadata: metadata, cache: cache, masterKey: $0.masterKey)
        }
        self.backends = configuration.accessKeys.flatMap { [jobs] sealing in
            backends.map { opener in
                Backends(
                    metadata: metadata, opener: opener,
                    vault: BackendVault(metadata: metadata, masterKey: sealing.masterKey), cache: cache, jobs: jobs,
                    logger: logger, now: now)
            }
        }
        self.delivery = Delivery(
            metadata: metadata, blobs: blobs, cache: cache, originals: originals, unboundRole: configuration.unboundRole)
        self.objects = Objects(
            metadata: metadata, blobs: blobs, limits: configuration.uploadLimits, cache: cache, originals: originals,
            quota: StorageQuota(metadata: metadata, cache: cache), digests: DigestLine(), reaper: reaper, events: events,
            logger: logger)
        let projects = Projects(
            metadata: metadata, cache: cache, usage: usage,
            rate: UploadRate.Configuration(perMinute: configuration.uploadsPerMinute, queue: configuration.uploadQueue), now: now)
        self.projects = projects
        self.accounts = Accounts(
            metadata: metadata, projects: projects, configuration: configuration.accounts, keys: keys, now: now)
        self.uploads = Uploads(
            objects: objects, configuration: configuration.uploads, serviceRole: configuration.serviceRole, now: now)
        let service = Principal(
            role: configuration.serviceRole, subject: nil,
            claims: JSONText(trusted: JSONWriter.object { $0.field("role", configuration.serviceRole) }), token: "")
        self.variants = processor.map { [delivery] in
            Variants(
                delivery: delivery, processor: $0, converter: converter, store: variants, usage: usage,
                service: service, configuration: configuration.variants, logger: logger)
        }
        self.buckets = Buckets(
            metadata: metadata, limits: configuration.uploadLimits, cache: cache, reaper: reaper, events: events,
            variants: self.variants, serviceRole: configuration.serviceRole)
        self.assets = Assets(
            metadata: metadata, objects: objects, delivery: delivery, jobs: jobs,
            examiner: MediaExaminer(
                processor: processor, converter: converter,
                gate: RenderGate(
                    parallelism: processor?.parallelism ?? 1, queue: configuration.assets.queue, label: "magpie_inspect"),
                timeout: configuration.assets.timeout),
            converter: converter, configuration: configuration.assets,
            service: service, logger: logger)
        self.jobHandlers =
            assets.jobHandlers + [
                StorageMigrationJob(
                    metadata: metadata, placement: objects.placement, cache: cache, limits: configuration.migrations)
            ]
        let signedURLs = SignedURLs(
            keys: keys, metadata: metadata, originals: originals, uploadLifetime: configuration.signedUploadLifetime)
        self.signedURLs = signedURLs
        self.files = Files(
            metadata: metadata, objects: objects, uploads: uploads, projects: projects, signedURLs: signedURLs,
            tokens: FileUploadTokens(keys: keys), configuration: configuration.files,
            anonymousRole: configuration.anonymousRole, serviceRole: configuration.serviceRole, now: now)
    }

    /// Follows what others change in the database.
    public func apply(_ change: MetadataChange) {
        cache.apply(change)
        accessKeys?.apply(change)
        if change == .jobs || change == .tracking { jobs.wake.signal() }
        projects.apply(change)
    }

    /// Whether what a principal reads may be kept in memory, for itself and others like it.
    public func keepsReads(of principal: Principal) -> Bool { delivery.isUnbound(principal) }

    /// Whether the database answers. - Throws: what the database throws.
    public func ping() async throws { try await metadata.ping() }
}
