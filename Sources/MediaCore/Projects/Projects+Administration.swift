// SPDX-License-Identifier: Apache-2.0

/// Making and changing projects and keys, which is the business of whoever runs the server.
extension Projects {
    /// The project of the keys that the first start makes.
    public static let defaultName = "default"

    /// What is asked for.
    public struct Beginning: Sendable {
        public var name: String
        public var plan: Plan.Name
        /// An e-mail address. Nil: nobody in particular.
        public var owner: String?
        /// Of a bucket that is made: whether anybody may read what they know the name of.
        public var isPublic: Bool

        public init(name: String, plan: Plan.Name = .unlimited, owner: String? = nil, isPublic: Bool = true) {
            self.name = name
            self.plan = plan
            self.owner = owner
            self.isPublic = isPublic
        }
    }

    /// Makes a project with its first keys. A bucket of its name becomes its bucket, and stays as public or private as it is.
    /// - Parameter account: becomes its owner. No bucket is taken for it.
    /// - Returns: the secrets, shown this once, and whether the bucket was made.
    /// - Throws: `StorageError` with `.invalidBucketName`; `.bucketExists` when it is a project already; `.invalidRequest` when the
    ///   owner has as many as the plan allows, or is no address.
    public func create(
        _ beginning: Beginning, ownedBy account: AccountID? = nil
    ) async throws -> (secrets: ProjectSecrets, madeBucket: Bool) {
        let id = try ProjectName.bucket(naming: beginning.name)
        let plan = Plan(beginning.plan)
        if let owner = beginning.owner {
            guard Self.isAddress(owner) else {
                throw StorageError(.invalidRequest, "The owner must be an e-mail address", resource: "owner")
            }
            try await requireRoom(for: owner, plan)
        }
        let time = now()
        let secrets = ProjectSecrets.generate()
        let project = Project(id: id, plan: plan, owner: beginning.owner, createdAt: time)
        let madeBucket = try await change(of: id) {
            try await metadata.createProject(
                project, isPublic: beginning.isPublic, keys: secrets.keys(of: id, at: time), ownedBy: account)
        }
        return (secrets, madeBucket)
    }

    /// Makes the project of the keys that the first start made, unless they were registered before, whatever became of them. Private,
    /// for nobody asked for it. A bucket that somebody made and called the same is left alone.
    public func createDefault(publishableKey: String, secretKey: String) async throws {
        guard try await metadata.projectKey(SecretDigest(of: secretKey)) == nil else { return }
        let id = BucketID(stored: Self.defaultName)
        let keys = ProjectSecrets.keys(publishable: publishableKey, secret: secretKey, of: id, at: now())
        if try await metadata.project(id, facts: Self.facts) == nil {
            guard try await !bucketExists(id) else { return }
            do {
                let project = Project(id: id, plan: Plan(.unlimited), createdAt: now())
                _ = try await change(of: id) {
                    try await metadata.createProject(project, isPublic: false, keys: keys)
                }
                return
            } catch let error as StorageError where error.code == .bucketExists {
                // Another server on the same database was faster, with keys of its own.
            }
        }
        for key in keys { try await metadata.insertProjectKey(key) }
    }

    private func bucketExists(_ id: BucketID) async throws -> Bool {
        do {
            _ = try await metadata.bucketRules(id, facts: Self.facts)
            return true
        } catch let error as StorageError where error.code == .bucketNotFound {
            return false
        }
    }

    /// All, in byte order of their names.
    public func list() async throws -> [Project] { try await metadata.projects() }

    /// A project, what it holds and its keys, revoked ones too.
    /// - Throws: `StorageError` with `.bucketNotFound`.
    public func describe(_ name: String) async throws -> (project: Project, totals: ProjectTotals, keys: [ProjectKey]) {
        let project = try await existing(name)
        return (
            project, try await metadata.totals(of: project.id, facts: Self.facts), try await metadata.projectKeys(of: project.id)
        )
    }

    /// - Throws: `StorageError` with `.bucketNotFound`; `.invalidRequest` when the owner has more projects, or the project more keys,
    ///   than the plan allows.
    public func setPlan(_ plan: Plan.Name, of name: String) async throws {
        let project = try await existing(name)
        let plan = Plan(plan)
        if let owner = project.owner { try await requireRoom(for: owner, plan, besides: project.id) }
        if let most = plan.keys, try await countedKeys(of: project.id) > most {
            throw StorageError(.invalidRequest, "The project has more keys than the plan \(plan.name.rawValue) allows: \(most)")
        }
        guard try await change(of: project.id, { try await metadata.setPlan(plan.name, of: project.id) }) else {
            throw StorageError.bucketNotFound(project.id)
        }
    }

    /// Deletes an empty project with its bucket; its keys open nothing from then on.
    /// - Throws: `StorageError` with `.bucketNotFound`, `.bucketNotEmpty`.
    public func delete(_ name: String) async throws {
        let project = try await existing(name)
        try await change(of: project.id) { try await metadata.deleteProject(project.id) }
    }

    // MARK: Keys

    /// What a key may do besides being of its kind.
    public struct KeyLimits: Sendable {
        /// Nil: all of it.
        public var scopes: [KeyScope]?
        /// Nil: it does not end.
        public var expiresAt: Timestamp?

        public init(scopes: [KeyScope]? = nil, expiresAt: Timestamp? = nil) {
            self.scopes = scopes
            self.expiresAt = expiresAt
        }
    }

    /// Makes another key of a project.
    /// - Returns: the key and its secret, which is shown this once.
    /// - Throws: `StorageError` with `.bucketNotFound`; `.invalidRequest` when it has as many as its plan allows, for scopes of a kind of
    ///   key that knows none, and for an end that is past.
    public func createKey(
        _ kind: ProjectKey.Kind, of name: String, description: String, limits: KeyLimits = KeyLimits()
    ) async throws -> (key: ProjectKey, secret: String) {
        guard limits.scopes == nil || !kind.isCounted else {
            throw StorageError(.invalidRequest, "Only publishable and secret keys have scopes", resource: "scopes")
        }
        guard limits.expiresAt.map({ $0 > now() }) ?? true else {
            throw StorageError(.invalidRequest, "The key would have ended already", resource: "expiresAt")
        }
        let project = try await existing(name)
        if kind.isCounted, let most = project.plan.keys, try await countedKeys(of: project.id) >= most {
            throw StorageError(
                .invalidRequest, "The project has as many keys as its plan \(project.plan.name.rawValue) allows: \(most)")
        }
        let secret = ProjectSecrets.newSecret(of: kind)
        let key = ProjectKey(
            kind: kind, clientID: kind == .pair ? ProjectSecrets.newClientID() : nil, digest: SecretDigest(of: secret),
            projects: [project.id], scopes: limits.scopes, description: description, createdAt: now(),
            expiresAt: limits.expiresAt)
        try await metadata.insertProjectKey(key)
        return (key, secret)
    }

    /// From now on the key opens nothing.
    /// - Parameter key: its id, or its client id.
    /// - Returns: false when the project has no such key in use.
    /// - Throws: `StorageError` with `.bucketNotFound`.
    public func revokeKey(_ key: String, of name: String) async throws -> Bool {
        let project = try await existing(name)
        defer { forgetKey(key) }
        return try await runToEnd { try await metadata.revokeProjectKey(key, of: project.id) }
    }

    // MARK: Rules

    private static let facts = RequestFacts(operation: .upkeep)

    private func existing(_ name: String) async throws -> Project {
        let id = try BucketID(existing: name)
        guard let project = try await metadata.project(id, facts: Self.facts) else {
            throw StorageError(.bucketNotFound, "There is no project \(name.prefix(128))", resource: name)
        }
        return project
    }

    private func change<Value: Sendable>(
        of id: BucketID, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        defer { cache.invalidate(id) }
        return try await runToEnd(body)
    }

    private func countedKeys(of id: BucketID) async throws -> Int {
        try await metadata.projectKeys(of: id).count { $0.kind.isCounted && $0.revokedAt == nil }
    }

    private func requireRoom(for owner: String, _ plan: Plan, besides id: BucketID? = nil) async throws {
        guard let most = plan.projects else { return }
        let others = try await metadata.projects().count { $0.owner == owner && $0.id != id }
        guard others < most else {
            throw StorageError(
                .invalidRequest, "\(owner) has as many projects as the plan \(plan.name.rawValue) allows: \(most)",
                resource: "owner")
        }
    }

    /// Whether a text may be an address (RFC 5321 §4.5.3.1); whether it is somebody's only a letter tells.
    private static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && text.utf8.count <= 254
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }
}

extension ProjectSecrets {
    /// A secret of the form that its kind has.
    static func newSecret(of kind: ProjectKey.Kind) -> String {
        switch kind {
        case .pair, .single: newSecret()
        case .publishable: generate().publishableKey
        case .secret: generate().secretKey
        }
    }
}
