// SPDX-License-Identifier: Apache-2.0

/// Projects as front-ends and commands use them: who a key is, what it may open, and what a project is and used.
///
/// Who shows a key acts as the role of keys of projects, with claims that name what it opens; row-level security does the rest, in
/// every dialect.
public struct Projects: Sendable {
    /// How long a key is good for without being looked up again, in seconds. Revocations are announced; this is for those that get lost.
    static let lifetime: Int64 = 30

    let metadata: any MetadataStore
    let cache: ReadCache
    let usage: UsageMeter
    let rate: UploadRate
    let now: @Sendable () -> Timestamp
    private let known = RecentCredentials<SecretDigest, ProjectCredential>()

    init(
        metadata: any MetadataStore, cache: ReadCache, usage: UsageMeter, rate: UploadRate.Configuration,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        self.metadata = metadata
        self.cache = cache
        self.usage = usage
        self.rate = UploadRate(rate)
        self.now = now
    }

    /// For commands, which change projects beside running servers.
    public init(metadata: any MetadataStore) {
        self.init(
            metadata: metadata, cache: ReadCache(capacity: 0, maxBodyBytes: 0), usage: UsageMeter(),
            rate: UploadRate.Configuration(perMinute: 0, queue: 0))
    }

    // MARK: Who

    /// Whom a single key stands for: the secret of any kind but the publishable one, which is everybody's.
    /// - Throws: `StorageError` with `.unauthenticated` for a key that is none, was revoked, or opens nothing any more; `.accessDenied` for
    ///   one that is narrowed to scopes.
    public func principal(apiKey: String) async throws -> Principal {
        let credential = try await credential(apiKey)
        guard credential.kind.isSecret else { throw Self.unknownKey }
        // Its scopes are about files; nothing else asks for them.
        guard credential.scopes == nil else {
            throw StorageError(.accessDenied, "The scopes of the API key do not let it be used here")
        }
        return credential.principal
    }

    /// Whom a pair stands for.
    /// - Throws: as `principal(apiKey:)`; also for a secret that is not the id's.
    public func principal(clientID: String, secret: String) async throws -> Principal {
        let credential = try await credential(secret)
        guard credential.kind == .pair, credential.clientID == clientID else { throw Self.unknownKey }
        return credential.principal
    }

    /// The key of a secret, of any kind and with any scopes.
    /// - Throws: `StorageError` with `.unauthenticated`, as `principal(apiKey:)`.
    public func credential(_ secret: String) async throws -> ProjectCredential {
        guard secret.utf8.count <= Self.longestSecret else { throw Self.unknownKey }
        // Compared by digest alone: how long that takes tells nothing of the secret.
        let digest = SecretDigest(of: secret)
        let time = now()
        if let credential = known.credential(digest, at: time) { return credential }
        let ticket = known.ticket
        guard let key = try await metadata.projectKey(digest), key.digest == digest, key.revokedAt == nil,
            key.expiresAt.map({ $0 > time }) ?? true, !key.projects.isEmpty
        else { throw Self.unknownKey }
        let credential = ProjectCredential(key)
        let end = time.adding(seconds: Self.lifetime)
        known.remember(credential, as: digest, until: min(key.expiresAt ?? end, end), ticket: ticket)
        return credential
    }

    private static let longestSecret = 256
    private static var unknownKey: StorageError { StorageError(.unauthenticated, "The API key is not valid") }

    // MARK: What they may

    /// Whether a principal may call for a project at all. What it may do there the policies decide, and for principals without a key
    /// they decide this too.
    /// - Throws: `StorageError` with `.bucketNotFound` when there is no such project, `.accessDenied` when it is not the key's.
    public func authorise(_ principal: Principal, for project: BucketID, facts: RequestFacts) async throws {
        guard let scope = principal.scope, !scope.projects.contains(project) else { return }
        guard try await self.project(project, facts: facts) != nil else { throw StorageError.bucketNotFound(project) }
        throw StorageError(
            .accessDenied, "The API key is not one of the project '\(project)'", resource: project.rawValue)
    }

    /// Waits for the turn of an upload, where the principal's key has one.
    /// - Throws: `StorageError` with `.overloaded` and when to come back, once too many wait; `CancellationError`.
    public func admitUpload(by principal: Principal) async throws {
        guard let scope = principal.scope else { return }
        try await rate.take(for: scope.keyID)
    }

    // MARK: Reading

    /// A project, as the server itself knows it. Nil when the bucket is missing or no project.
    public func project(_ id: BucketID, facts: RequestFacts) async throws -> Project? {
        try await cache.projects.value(of: id) { try await metadata.project(id, facts: facts) }
    }

    /// A project and what it holds, for somebody who sees its bucket.
    /// - Throws: `StorageError` with `.bucketNotFound`, also when hidden or no project.
    public func project(_ id: BucketID, as caller: Caller) async throws -> (project: Project, totals: ProjectTotals) {
        _ = try await metadata.bucket(id, as: caller)
        guard let project = try await project(id, facts: caller.facts) else { throw StorageError.bucketNotFound(id) }
        return (project, try await metadata.totals(of: id, facts: caller.facts))
    }

    /// What a project used, for somebody who may change its bucket. What this server counted just now is in it.
    /// - Throws: as `project`; `.accessDenied` for who may only see it; `.invalidParameter` for days that are none.
    public func usage(
        of id: BucketID, from first: UsageDay, through last: UsageDay, as caller: Caller
    ) async throws -> [DailyUsage] {
        guard first <= last, last.number - first.number < Self.longestPeriod else {
            throw StorageError(
                .invalidParameter, "The days must be in order, and no more than \(Self.longestPeriod)", resource: "from")
        }
        try await metadata.requireMayChange(id, as: caller)
        guard try await project(id, facts: caller.facts) != nil else { throw StorageError.bucketNotFound(id) }
        try await usage.flush(to: metadata)
        return try await metadata.usage(of: id, from: first, through: last)
    }

    /// The most days that are asked for at a time.
    public static let longestPeriod: Int64 = 400

    /// Follows what others change.
    func apply(_ change: MetadataChange) {
        switch change {
        case .projectKey(let id): known.forget { $0.id == id }
        case .lostTrack: known.forgetAll()
        case .object, .bucket, .accessKey, .backend, .jobs, .tracking: break
        }
    }

    /// After a change of this server's own.
    func forgetKey(_ name: String) { known.forget { $0.id.rawValue == name || $0.clientID == name } }
}

/// A key that was shown, and whom it stands for.
public struct ProjectCredential: Hashable, Sendable {
    public var id: ProjectKeyID
    public var kind: ProjectKey.Kind
    /// The public half of a pair.
    public var clientID: String?
    /// What it opens. At least one.
    public var projects: [BucketID]
    /// What it is for. Nil: all of it.
    public var scopes: [KeyScope]?

    init(_ key: ProjectKey) {
        self.id = key.id
        self.kind = key.kind
        self.clientID = key.clientID
        self.projects = key.projects
        self.scopes = key.scopes
    }

    /// Whether the key's scopes let whoever shows it do something with files. Who that is, policies ask besides.
    public func allows(_ operation: KeyScope.FileOperation) -> Bool {
        scopes.map { $0.contains { $0.allows(operation) } } ?? true
    }

    /// Whom it stands for. Nobody's subject: what it writes is nobody's in particular.
    public var principal: Principal {
        let scope = ProjectScope(keyID: id.rawValue, projects: projects)
        return Principal(role: ProjectScope.role, subject: nil, claims: scope.claims, token: "", scope: scope)
    }
}
