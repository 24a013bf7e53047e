// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// Accounts, as system.
extension PostgresMetadataStore {
    public func insertAccount(_ account: Account, password: PasswordHash, onlyFirst: Bool) async throws -> Account? {
        // One at a time: whether it is the first is only certain while nobody else is being inserted.
        let steps: [Step] = [
            .scope(system(.upkeep)), .run(Self.lockAccounts),
            .run(
                Self.insertAccount, account.id.rawValue, account.email.rawValue, password.text, account.name,
                Parameter.bool(account.isOperator), Parameter.timestamp(account.createdAt), Parameter.bool(onlyFirst),
                Parameter.bool(account.isAppUser)),
        ]
        do {
            return try await transaction(steps) { try $0[1].optionalRow().map { try Account($0) } }
        } catch let error as StorageError {
            guard let cause = error.cause as? PostgresError, cause.sqlState == .uniqueViolation, cause.table == "accounts" else {
                throw error
            }
            throw StorageError(.objectExists, "There is an account of this e-mail address", resource: "email", cause: cause)
        }
    }

    public func account(_ email: EmailAddress) async throws -> (account: Account, password: PasswordHash)? {
        try await account(.run(Self.readByEmail, email.rawValue))
    }

    public func account(_ id: AccountID) async throws -> (account: Account, password: PasswordHash)? {
        try await account(.run(Self.readByID, id.rawValue))
    }

    private func account(_ read: Step) async throws -> (account: Account, password: PasswordHash)? {
        try await transaction([.scope(system(.upkeep)), read]) { results in
            guard let row = try results[0].optionalRow() else { return nil }
            let account = try Account(row)
            guard let password = PasswordHash(stored: try row.string(Account.columnCount)) else {
                throw StorageError(
                    .notConfigured, "This version can't read the account's password", resource: account.id.rawValue)
            }
            return (account, password)
        }
    }

    public func accounts() async throws -> [Account] {
        try await transaction([.scope(system(.upkeep)), .run(Self.listAccounts)]) { try $0[0].rows.map { try Account($0) } }
    }

    public func hasAccounts() async throws -> Bool {
        try await transaction([.scope(system(.upkeep)), .run(Self.anyAccount)]) { try $0[0].onlyRow().bool(0) }
    }

    public func setPassword(
        _ password: PasswordHash, of id: AccountID, insteadOf old: PasswordHash?
    ) async throws -> Bool {
        let write = Step.run(Self.updatePassword, id.rawValue, password.text, old?.text)
        return try await transaction([.scope(system(.upkeep)), write]) { try $0[0].optionalRow() != nil }
    }

    public func setDisabled(_ time: Timestamp?, of id: AccountID) async throws -> Bool {
        let steps: [Step] = [
            .scope(system(.upkeep)), .run(Self.updateDisabled, id.rawValue, Parameter.timestamp(time)),
            .run(Self.endDisabled, id.rawValue),
        ]
        return try await transaction(steps) { try $0[0].optionalRow() != nil }
    }
}

extension Account {
    static let columns = """
        a.id, a.email, a.name, a.is_operator, (extract(epoch FROM a.created_at) * 1000000)::bigint, \
        (extract(epoch FROM a.disabled_at) * 1000000)::bigint, a.is_app_user
        """
    static let columnCount = 7

    /// - Parameter first: the column where they begin.
    init(_ row: Row, from first: Int = 0) throws(PostgresError) {
        self.init(
            id: AccountID(stored: try row.string(first)), email: EmailAddress(stored: try row.string(first + 1)),
            name: try row.string(first + 2), isOperator: try row.bool(first + 3), isAppUser: try row.bool(first + 6),
            createdAt: try row.timestamp(first + 4), disabledAt: try row.optionalTimestamp(first + 5))
    }
}

extension PostgresMetadataStore {
    private static let lockAccounts = SQL(
        "accounts_lock", "SELECT pg_advisory_xact_lock(hashtextextended('magpie.accounts', 0))")

    private static let insertAccount = SQL(
        "account_insert",
        """
        INSERT INTO magpie.accounts AS a (id, email, password_hash, name, is_operator, created_at, is_app_user)
        SELECT $1::uuid, $2, $3, $4, ($5::boolean OR f.is_first) AND NOT $8::boolean,
            timestamptz 'epoch' + $6::bigint * interval '1 microsecond', $8::boolean
        FROM (SELECT NOT EXISTS (SELECT FROM magpie.accounts AS o WHERE NOT o.is_app_user)) AS f(is_first)
        WHERE f.is_first OR NOT $7::boolean
        RETURNING \(Account.columns)
        """)

    private static let readByEmail = SQL(
        "account_by_email", "SELECT \(Account.columns), a.password_hash FROM magpie.accounts AS a WHERE a.email = $1")
    private static let readByID = SQL(
        "account_by_id", "SELECT \(Account.columns), a.password_hash FROM magpie.accounts AS a WHERE a.id = $1::uuid")
    private static let listAccounts = SQL(
        "accounts_list", "SELECT \(Account.columns) FROM magpie.accounts AS a ORDER BY a.email COLLATE \"C\"")
    private static let anyAccount = SQL(
        "accounts_any", "SELECT EXISTS (SELECT FROM magpie.accounts AS a WHERE NOT a.is_app_user)")

    private static let updatePassword = SQL(
        "account_password",
        """
        UPDATE magpie.accounts AS a SET password_hash = $2
        WHERE a.id = $1::uuid AND ($3::text IS NULL OR a.password_hash = $3)
        RETURNING a.id
        """)
    private static let updateDisabled = SQL(
        "account_disable",
        """
        UPDATE magpie.accounts AS a SET disabled_at = timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
        WHERE a.id = $1::uuid
        RETURNING a.id
        """)
    private static let endDisabled = SQL(
        "account_disable_sessions",
        """
        DELETE FROM magpie.account_sessions AS s USING magpie.accounts AS a
        WHERE a.id = $1::uuid AND s.account_id = a.id AND a.disabled_at IS NOT NULL
        """)
}
