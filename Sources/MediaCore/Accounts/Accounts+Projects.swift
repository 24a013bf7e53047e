// SPDX-License-Identifier: Apache-2.0

/// What accounts are and do in projects.
extension Accounts {
    // MARK: Who may what

    /// What an account is in a project: operators are owners of all there are. Nil when it is nothing there, or there is no such project.
    public func role(of account: Account, in project: BucketID) async throws -> ProjectRole? {
        guard account.isOperator else { return try await metadata.role(of: account.id, in: project) }
        return try await projects.project(project, facts: Self.facts) == nil ? nil : .owner
    }

    /// As whom an account acts in a project: as that project's keys do, as far as its role there goes.
    /// - Throws: `StorageError` with `.bucketNotFound` when there is no such project; `.accessDenied` when the account is nothing there, or
    ///   less than what is asked.
    public func principal(
        of account: Account, in project: BucketID, atLeast least: ProjectRole = .viewer
    ) async throws -> Principal {
        let role = try await require(least, of: account, in: project)
        let scope = ProjectScope(keyID: "account:\(account.id)", projects: [project], right: role.right, subject: account.id)
        return Principal(role: ProjectScope.role, subject: account.id.rawValue, claims: scope.claims, token: "", scope: scope)
    }

    /// As whom the holder of a token of this server acts in a project: as the project's keys do who is at least an admin there, and
    /// otherwise as the token says.
    public func principal(of token: Principal, in project: BucketID) async throws -> Principal {
        guard token.role == configuration.tokenRole, token.scope == nil, let account = try await account(of: token),
            let role = try await role(of: account, in: project), role >= .admin
        else { return token }
        return try await principal(of: account, in: project, atLeast: .admin)
    }

    @discardableResult
    func require(_ least: ProjectRole, of account: Account, in project: BucketID) async throws -> ProjectRole {
        guard let role = try await role(of: account, in: project) else {
            guard try await projects.project(project, facts: Self.facts) != nil else {
                throw StorageError.bucketNotFound(project)
            }
            throw StorageError(
                .accessDenied, "The account is not a member of the project '\(project)'", resource: project.rawValue)
        }
        guard role >= least else {
            throw StorageError(
                .accessDenied, "This takes the role \(least.rawValue) in the project '\(project)', and yours is \(role.rawValue)",
                resource: project.rawValue)
        }
        return role
    }

    static let facts = RequestFacts(operation: Operation("magpie.accounts"))

    // MARK: Projects

    /// The projects that an account sees, with what it is there, in byte order of their names.
    public func projects(of account: Account) async throws -> [(project: Project, role: ProjectRole)] {
        guard account.isOperator else { return try await metadata.memberships(of: account.id) }
        return try await metadata.projects().map { ($0, .owner) }
    }

    /// Whether an account may make projects.
    public func mayCreateProjects(_ account: Account) -> Bool {
        account.isOperator || configuration.plan != nil && !account.isAppUser
    }

    /// Makes a project that the account owns, with its first keys. A bucket that is there already is somebody's: it is not taken.
    /// - Parameter plan: only an operator chooses one.
    /// - Returns: the secrets, shown this once.
    /// - Throws: `StorageError` with `.accessDenied` when the account makes no projects, or chose a plan; otherwise as `Projects.create`.
    public func createProject(
        _ name: String, plan: Plan.Name?, isPublic: Bool, as account: Account
    ) async throws -> ProjectSecrets {
        guard account.isOperator || plan == nil || plan == configuration.plan else {
            throw StorageError(.accessDenied, "Only who runs the server chooses plans", resource: "plan")
        }
        guard mayCreateProjects(account), let plan = account.isOperator ? plan ?? .unlimited : configuration.plan else {
            throw StorageError(.accessDenied, "Projects are made by whoever runs this server")
        }
        let beginning = Projects.Beginning(name: name, plan: plan, owner: account.email.rawValue, isPublic: isPublic)
        return try await projects.create(beginning, ownedBy: account.id).secrets
    }

    // MARK: Members

    /// Those in a project. - Throws: as `principal`.
    public func members(of project: BucketID, as account: Account) async throws -> [ProjectMember] {
        try await require(.viewer, of: account, in: project)
        return try await metadata.members(of: project)
    }

    /// Makes the account of an address a member. No letter is sent: it has to be there.
    /// - Throws: `StorageError` with `.accessDenied` for who may not; `.relatedResourceMissing` when nobody has the address, or somebody
    ///   who uses an app, of whom only whoever runs the server can know that it is theirs; `.objectExists` for who is a member already; `.invalidParameter` for an address that is none.
    public func addMember(
        _ email: String, as role: ProjectRole, to project: BucketID, by account: Account
    ) async throws -> ProjectMember {
        try await requireMayMake(role, by: account, in: project)
        let added = try await existing(email)
        guard !added.isAppUser else {
            throw StorageError(
                .relatedResourceMissing,
                "The account of \(added.email) was made in an app: whoever runs the server makes it a member", resource: "email")
        }
        try await insert(added, as: role, to: project)
        return ProjectMember(account: added, role: role, since: now())
    }

    /// - Throws: `StorageError` with `.accessDenied` for who may not; `.relatedResourceMissing` for who is no member; `.unsupported` for
    ///   the last owner.
    public func changeMember(
        _ id: AccountID, to role: ProjectRole, of project: BucketID, by account: Account
    ) async throws {
        try await requireMayMake(role, by: account, in: project)
        try await requireMayTouch(id, by: account, in: project)
        try Self.check(
            await runToEnd { [metadata] in try await metadata.changeMember(id, of: project, to: role) })
    }

    /// Takes a member out; anybody may go. - Throws: as `changeMember`.
    public func removeMember(_ id: AccountID, from project: BucketID, by account: Account) async throws {
        if id != account.id {
            try await require(.admin, of: account, in: project)
            try await requireMayTouch(id, by: account, in: project)
        } else {
            try await require(.viewer, of: account, in: project)
        }
        try Self.check(await runToEnd { [metadata] in try await metadata.removeMember(id, from: project) })
    }

    /// Admins make anything but owners.
    private func requireMayMake(_ role: ProjectRole, by account: Account, in project: BucketID) async throws {
        try await require(role == .owner ? .owner : .admin, of: account, in: project)
    }

    /// Owners are only touched by owners.
    private func requireMayTouch(_ id: AccountID, by account: Account, in project: BucketID) async throws {
        guard let role = try await metadata.role(of: id, in: project) else { throw Self.noMember }
        if role == .owner { try await require(.owner, of: account, in: project) }
    }

    func existing(_ email: String) async throws -> Account {
        guard let address = EmailAddress(email) else {
            throw StorageError(.invalidParameter, "The e-mail address is none", resource: "email")
        }
        guard let account = try await metadata.account(address)?.account else {
            throw StorageError(.relatedResourceMissing, "There is no account of \(address)", resource: "email")
        }
        return account
    }

    func insert(_ account: Account, as role: ProjectRole, to project: BucketID) async throws {
        let time = now()
        let isNew = try await runToEnd { [metadata] in
            try await metadata.addMember(account.id, to: project, as: role, at: time)
        }
        guard isNew else {
            throw StorageError(.objectExists, "\(account.email) is a member already", resource: "email")
        }
    }

    static func check(_ change: MembershipChange) throws(StorageError) {
        switch change {
        case .done: break
        case .noMember: throw noMember
        case .lastOwner: throw StorageError(.unsupported, "The last owner of a project stays its owner")
        }
    }

    private static var noMember: StorageError {
        StorageError(.relatedResourceMissing, "The project has no such member")
    }

    // MARK: Keys

    /// The keys of a project, revoked ones too. - Throws: as `principal`, for who is no admin.
    public func keys(of project: BucketID, as account: Account) async throws -> [ProjectKey] {
        try await require(.admin, of: account, in: project)
        return try await projects.describe(project.rawValue).keys
    }

    /// As `Projects.createKey`. - Throws: also as `keys`.
    public func createKey(
        _ kind: ProjectKey.Kind, description: String, of project: BucketID, as account: Account
    ) async throws -> (key: ProjectKey, secret: String) {
        try await require(.admin, of: account, in: project)
        return try await projects.createKey(kind, of: project.rawValue, description: description)
    }

    /// As `Projects.revokeKey`. - Throws: also as `keys`.
    public func revokeKey(_ key: String, of project: BucketID, as account: Account) async throws -> Bool {
        try await require(.admin, of: account, in: project)
        return try await projects.revokeKey(key, of: project.rawValue)
    }
}
