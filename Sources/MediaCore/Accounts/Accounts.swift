// SPDX-License-Identifier: Apache-2.0

/// Accounts as front-ends and commands use them: signing up and in, sessions, and what an account is in which project.
///
/// What an account does in a project it does as the role of keys of projects, with claims that name that project and what the account
/// may do there: row-level security is the authority, as it is over keys.
public struct Accounts: Sendable {
    /// Who may make an account.
    public enum SignUp: String, Sendable, CaseIterable {
        /// Nobody; a command does.
        case off
        /// Whoever comes first, and then nobody.
        case first
        /// Anybody.
        case open
    }

    /// Who may make the account of somebody who uses an app. Such an account never runs the server.
    public enum AppSignUp: String, Sendable, CaseIterable {
        /// Nobody.
        case off
        /// Who holds the secret key of a project: the app's own server.
        case secret
        /// Who holds any key of a project: everybody whom the app is for.
        case open
    }

    public struct Configuration: Sendable {
        public var signUp: SignUp
        public var appSignUp: AppSignUp
        public var cost: PasswordCost
        /// How many passwords are hashed at a time.
        public var parallelHashings: Int
        /// How long a session lasts without being used, in seconds.
        public var idleLifetime: Int64
        /// How long a session lasts however much it is used, in seconds.
        public var longestLifetime: Int64
        /// Of the projects that accounts make which are no operators. Nil: only operators make projects.
        public var plan: Plan.Name?
        /// How many attempts to sign in may fail at once, for an address of mail; four times as many for one of the network. 0: any number.
        public var attempts: Int
        /// The role of users whose tokens this server issues.
        public var tokenRole: String

        public init(
            signUp: SignUp = .first, appSignUp: AppSignUp = .open, cost: PasswordCost = PasswordCost(), parallelHashings: Int = 2,
            idleLifetime: Int64 = 7 * 86_400, longestLifetime: Int64 = 30 * 86_400, plan: Plan.Name? = nil, attempts: Int = 10,
            tokenRole: String = "authenticated"
        ) {
            self.signUp = signUp
            self.appSignUp = appSignUp
            self.cost = cost
            self.parallelHashings = parallelHashings
            self.idleLifetime = idleLifetime
            self.longestLifetime = longestLifetime
            self.plan = plan
            self.attempts = attempts
            self.tokenRole = tokenRole
        }
    }

    let metadata: any MetadataStore
    let projects: Projects
    let configuration: Configuration
    let hasher: PasswordHasher
    let byAddress: AttemptLimit
    let byAccount: AttemptLimit
    let registrations: AttemptLimit
    /// Signs access tokens. Nil for commands, which issue none.
    let keys: KeyRing?
    let now: @Sendable () -> Timestamp

    init(
        metadata: any MetadataStore, projects: Projects, configuration: Configuration, keys: KeyRing?,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        self.metadata = metadata
        self.projects = projects
        self.configuration = configuration
        self.hasher = PasswordHasher(cost: configuration.cost, parallelism: configuration.parallelHashings)
        self.byAddress = AttemptLimit(burst: 4 * configuration.attempts, interval: 10)
        self.byAccount = AttemptLimit(burst: configuration.attempts, interval: 30)
        self.registrations = AttemptLimit(burst: configuration.attempts, interval: 360)
        self.keys = keys
        self.now = now
    }

    /// For commands, which change accounts beside running servers.
    public init(metadata: any MetadataStore, cost: PasswordCost = PasswordCost()) {
        self.init(
            metadata: metadata, projects: Projects(metadata: metadata), configuration: Configuration(cost: cost), keys: nil)
    }

    // MARK: Signing up

    /// Whether somebody may make an account now.
    public func isSignUpOpen() async throws -> Bool {
        switch configuration.signUp {
        case .off: false
        case .open: true
        case .first: try await !metadata.hasAccounts()
        }
    }

    /// Makes an account. The first of all runs the server from then on.
    /// - Throws: `StorageError` with `.accessDenied` when nobody may; `.invalidParameter` for an address or a password that is none;
    ///   `.objectExists` for an address that is taken; `.overloaded`.
    public func register(
        email: String, password: String, name: String, from client: SignInClient
    ) async throws -> Account {
        guard try await isSignUpOpen() else { throw Self.signUpClosed }
        let draft = try draft(email: email, name: name)
        return try await register(draft, password: password, onlyFirst: configuration.signUp == .first, from: client)
    }

    /// Makes the account of somebody who uses an app. It is one like any other to row-level security, and runs nothing.
    /// - Parameter key: of the app, which was shown.
    /// - Throws: as `register`.
    public func registerAppUser(
        email: String, password: String, name: String, key: ProjectCredential, from client: SignInClient
    ) async throws -> Account {
        let isOpen =
            switch configuration.appSignUp {
            case .off: false
            case .secret: key.kind == .secret
            case .open: true
            }
        guard isOpen else { throw Self.signUpClosed }
        var draft = try draft(email: email, name: name)
        draft.isAppUser = true
        return try await register(draft, password: password, onlyFirst: false, from: client)
    }

    private func register(
        _ draft: Account, password: String, onlyFirst: Bool, from client: SignInClient
    ) async throws -> Account {
        let password = try Password(chosen: password)
        try registrations.take(for: client.network)
        let hash = try await hasher.hash(password)
        let account = try await runToEnd { [metadata] in
            try await metadata.insertAccount(draft, password: hash, onlyFirst: onlyFirst)
        }
        guard let account else { throw Self.signUpClosed }
        return account
    }

    private static var signUpClosed: StorageError {
        StorageError(.accessDenied, "Accounts are made by whoever runs this server")
    }

    func draft(email: String, name: String, isOperator: Bool = false) throws(StorageError) -> Account {
        guard let email = EmailAddress(email) else {
            throw StorageError(.invalidParameter, "The e-mail address is none", resource: "email")
        }
        guard name.utf8.count <= Self.longestName, !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw StorageError(
                .invalidParameter, "The name must have at most \(Self.longestName) bytes and no control characters",
                resource: "name")
        }
        return Account(email: email, name: name, isOperator: isOperator, createdAt: now())
    }

    private static let longestName = 256

    // MARK: Signing in

    /// Whose an address and a password are. Takes as long for an address that nobody has.
    /// - Throws: `StorageError` with `.unauthenticated`, one and the same for an address that is unknown, an account that is disabled and
    ///   a password that is wrong; `.overloaded` after too many of them, and when to come back.
    public func verify(email: String, password: String, from client: SignInClient) async throws -> Account {
        let address = EmailAddress(email)
        let name = address?.rawValue ?? ""
        try byAddress.take(for: client.network)
        try byAccount.take(for: name)
        var known: (account: Account, password: PasswordHash)?
        if let address { known = try await metadata.account(address) }
        let shown = Password(shown: password)
        let verdict = try await hasher.verify(shown, against: known?.password)
        guard let known, let shown, verdict != .wrong, known.account.disabledAt == nil else {
            throw StorageError(.unauthenticated, "The e-mail address or the password is wrong")
        }
        byAddress.giveBack(for: client.network)
        byAccount.giveBack(for: name)
        if verdict == .rightAtAnotherCost { try await rehash(shown, of: known) }
        return known.account
    }

    private func rehash(_ password: Password, of known: (account: Account, password: PasswordHash)) async throws {
        let hash = try await hasher.hash(password)
        // Where it was changed meanwhile the change stands.
        _ = try await metadata.setPassword(hash, of: known.account.id, insteadOf: known.password)
    }

    /// Begins a session of an account.
    public func begin(
        _ kind: AccountSession.Kind, for account: Account, from client: SignInClient
    ) async throws -> SignedIn {
        let time = now()
        let token = SessionToken()
        let endsAt = time.adding(seconds: configuration.longestLifetime)
        let session = AccountSession(
            account: account.id, kind: kind, createdAt: time, usedAt: time, expiresAt: min(expiry(from: time), endsAt),
            endsAt: endsAt, client: client)
        try await runToEnd { [metadata] in
            try await metadata.insertSession(session, digest: token.digest, most: Self.mostSessions)
        }
        return SignedIn(account: account, session: session, token: token)
    }

    func expiry(from time: Timestamp) -> Timestamp { time.adding(seconds: configuration.idleLifetime) }

    /// Of one account; the least used are given up.
    private static let mostSessions = 100

    // MARK: Being signed in

    /// The session of a cookie. It lasts longer for being used.
    /// - Throws: `StorageError` with `.unauthenticated` when it is none, or over.
    public func session(_ text: String) async throws -> SignedIn {
        let time = now()
        guard let token = SessionToken(text),
            let found = try await metadata.session(token.digest, kind: .cookie, at: time)
        else { throw Self.notSignedIn }
        var session = found.session
        if session.usedAt.adding(seconds: Self.touchInterval) <= time {
            session.usedAt = time
            session.expiresAt = min(expiry(from: time), session.endsAt)
            try await runToEnd { [metadata, session] in
                try await metadata.touchSession(session.id, at: time, expiresAt: session.expiresAt)
            }
        }
        return SignedIn(account: found.account, session: session, token: token)
    }

    /// So that not every request writes.
    static let touchInterval: Int64 = 60

    static var notSignedIn: StorageError { StorageError(.unauthenticated, "The session is over, please sign in") }

    public func sessions(of account: Account) async throws -> [AccountSession] {
        try await metadata.sessions(of: account.id, at: now())
    }

    /// - Returns: false when the account has no such session.
    public func endSession(_ id: SessionID, of account: Account) async throws -> Bool {
        try await runToEnd { [metadata] in try await metadata.endSession(id, of: account.id) }
    }

    /// Signs out everywhere. - Parameter kept: but here.
    public func endSessions(of account: Account, except kept: SessionID? = nil) async throws {
        try await runToEnd { [metadata] in try await metadata.endSessions(of: account.id, except: kept) }
    }

    /// Changes a password and ends every session; the one that did it goes on under another token.
    /// - Throws: `StorageError` with `.accessDenied` when the old one is wrong; `.invalidParameter` for a new one that is none;
    ///   `.overloaded` after too many attempts.
    public func changePassword(of signedIn: SignedIn, from old: String, to new: String) async throws -> SignedIn {
        let account = signedIn.account
        let password = try Password(chosen: new)
        try byAccount.take(for: account.email.rawValue)
        let known = try await metadata.account(account.id)?.password
        guard try await hasher.verify(Password(shown: old), against: known) != .wrong else {
            throw StorageError(.accessDenied, "The current password is wrong", resource: "currentPassword")
        }
        byAccount.giveBack(for: account.email.rawValue)
        let hash = try await hasher.hash(password)
        let isChanged = try await runToEnd { [metadata] in
            try await metadata.setPassword(hash, of: account.id, insteadOf: known)
        }
        guard isChanged else {
            throw StorageError(.accessDenied, "The current password is wrong", resource: "currentPassword")
        }
        try await endSessions(of: account)
        return try await begin(.cookie, for: account, from: signedIn.session.client)
    }
}

extension SignInClient {
    /// What is counted together: an IPv4 address, or the network of an IPv6 address, of which a household has 2⁶⁴ (RFC 6177).
    var network: String {
        guard address.contains(":"), !address.contains(".") else { return address }
        let halves = address.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        let head = halves[0].split(separator: ":")
        let tail = halves.count == 2 ? halves[1].split(separator: ":") : []
        let zeros = halves.count == 2 ? max(0, 8 - head.count - tail.count) : 0
        let groups = head + Array(repeating: "0", count: zeros) + tail
        return groups.prefix(4).map { $0.lowercased() }.joined(separator: ":") + "::/64"
    }
}
