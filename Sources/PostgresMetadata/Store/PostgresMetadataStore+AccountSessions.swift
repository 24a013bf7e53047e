// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore

/// Sessions of accounts, as system.
extension PostgresMetadataStore {
    public func insertSession(_ session: AccountSession, digest: SecretDigest, most: Int) async throws {
        let steps: [Step] = [
            .scope(system(.upkeep)),
            .run(
                Self.insertSession, session.id.rawValue, session.account.rawValue, session.kind.rawValue, Self.text(digest),
                Parameter.timestamp(session.createdAt), Parameter.timestamp(session.usedAt),
                Parameter.timestamp(session.expiresAt), Parameter.timestamp(session.endsAt), session.client.address,
                session.client.userAgent),
            .run(
                Self.dropSessions, session.account.rawValue, Parameter.timestamp(session.createdAt), Parameter.int(max(1, most)),
                session.id.rawValue),
        ]
        try await transaction(steps) { _ in }
    }

    public func session(
        _ digest: SecretDigest, kind: AccountSession.Kind, at time: Timestamp
    ) async throws -> (session: AccountSession, account: Account)? {
        let read = Step.run(Self.readSession, Self.text(digest), kind.rawValue, Parameter.timestamp(time))
        return try await transaction([.scope(system(.upkeep)), read]) {
            try $0[0].optionalRow().map { (try AccountSession($0), try Account($0, from: AccountSession.columnCount)) }
        }
    }

    public func touchSession(_ id: SessionID, at time: Timestamp, expiresAt: Timestamp) async throws {
        let write = Step.run(
            Self.touchSession, id.rawValue, Parameter.timestamp(time), Parameter.timestamp(expiresAt))
        try await transaction([.scope(system(.upkeep)), write]) { _ in }
    }

    public func sessions(of id: AccountID, at time: Timestamp) async throws -> [AccountSession] {
        let read = Step.run(Self.listSessions, id.rawValue, Parameter.timestamp(time))
        return try await transaction([.scope(system(.upkeep)), read]) { try $0[0].rows.map { try AccountSession($0) } }
    }

    public func endSession(_ id: SessionID, of account: AccountID) async throws -> Bool {
        try await transaction([.scope(system(.upkeep)), .run(Self.endSession, id.rawValue, account.rawValue)]) {
            try $0[0].optionalRow() != nil
        }
    }

    public func endSessions(of account: AccountID, except kept: SessionID?) async throws {
        try await transaction([.scope(system(.upkeep)), .run(Self.endSessions, account.rawValue, kept?.rawValue)]) { _ in }
    }

    public func rotateToken(
        from old: SecretDigest, to new: SecretDigest, at time: Timestamp, expiresAt: Timestamp
    ) async throws -> (session: AccountSession, account: Account)? {
        let (old, new) = (Self.text(old), Self.text(new))
        // Of two who show the same token at a time the second waits for the first, finds the token spent, and ends the session.
        let steps: [Step] = [
            .scope(system(.upkeep)),
            .run(Self.rotateToken, old, new, Parameter.timestamp(time), Parameter.timestamp(expiresAt)),
            .run(Self.spendToken, old, new), .run(Self.endStolen, old, new),
        ]
        return try await transaction(steps) {
            try $0[0].optionalRow().map { (try AccountSession($0), try Account($0, from: AccountSession.columnCount)) }
        }
    }

    private static func text(_ digest: SecretDigest) -> String { Data(digest.bytes).base64EncodedString() }
}

extension AccountSession {
    fileprivate static let columns = """
        s.id, s.account_id, s.kind, (extract(epoch FROM s.created_at) * 1000000)::bigint, \
        (extract(epoch FROM s.used_at) * 1000000)::bigint, (extract(epoch FROM s.expires_at) * 1000000)::bigint, \
        (extract(epoch FROM s.ends_at) * 1000000)::bigint, s.address, s.user_agent
        """
    fileprivate static let columnCount = 9

    fileprivate init(_ row: Row) throws(PostgresError) {
        guard let kind = Kind(rawValue: try row.string(2)) else {
            throw PostgresError(.unexpectedResult, "a session can't be read")
        }
        self.init(
            id: SessionID(stored: try row.string(0)), account: AccountID(stored: try row.string(1)), kind: kind,
            createdAt: try row.timestamp(3), usedAt: try row.timestamp(4), expiresAt: try row.timestamp(5),
            endsAt: try row.timestamp(6),
            client: SignInClient(address: try row.string(7), userAgent: try row.string(8)))
    }
}

extension PostgresMetadataStore {
    private static func time(_ parameter: Int) -> String {
        "timestamptz 'epoch' + $\(parameter)::bigint * interval '1 microsecond'"
    }

    private static let insertSession = SQL(
        "session_insert",
        """
        INSERT INTO magpie.account_sessions
            (id, account_id, kind, digest, created_at, used_at, expires_at, ends_at, address, user_agent)
        VALUES ($1::uuid, $2::uuid, $3, decode($4, 'base64'), \(time(5)), \(time(6)), \(time(7)), \(time(8)), $9, $10)
        """)

    private static let dropSessions = SQL(
        "sessions_drop",
        """
        DELETE FROM magpie.account_sessions AS s
        WHERE s.account_id = $1::uuid AND s.id <> $4::uuid AND (
            s.expires_at <= \(time(2)) OR s.id IN (
                SELECT o.id FROM magpie.account_sessions AS o
                WHERE o.account_id = $1::uuid AND o.id <> $4::uuid AND o.expires_at > \(time(2))
                ORDER BY o.used_at DESC, o.id
                OFFSET $3::int - 1
            )
        )
        """)

    private static let readSession = SQL(
        "session_read",
        """
        SELECT \(AccountSession.columns), \(Account.columns)
        FROM magpie.account_sessions AS s
        JOIN magpie.accounts AS a ON a.id = s.account_id
        WHERE s.digest = decode($1, 'base64') AND s.kind = $2 AND s.expires_at > \(time(3)) AND a.disabled_at IS NULL
        """)

    private static let touchSession = SQL(
        "session_touch",
        """
        UPDATE magpie.account_sessions AS s
        SET used_at = greatest(s.used_at, \(time(2))), expires_at = greatest(s.expires_at, least(s.ends_at, \(time(3))))
        WHERE s.id = $1::uuid
        """)

    private static let listSessions = SQL(
        "sessions_list",
        """
        SELECT \(AccountSession.columns) FROM magpie.account_sessions AS s
        WHERE s.account_id = $1::uuid AND s.expires_at > \(time(2))
        ORDER BY s.used_at DESC, s.id
        """)

    private static let endSession = SQL(
        "session_end",
        "DELETE FROM magpie.account_sessions AS s WHERE s.id = $1::uuid AND s.account_id = $2::uuid RETURNING s.id")
    private static let endSessions = SQL(
        "sessions_end",
        """
        DELETE FROM magpie.account_sessions AS s
        WHERE s.account_id = $1::uuid AND s.id IS DISTINCT FROM $2::uuid
        """)

    private static let rotateToken = SQL(
        "token_rotate",
        """
        UPDATE magpie.account_sessions AS s
        SET digest = decode($2, 'base64'), used_at = \(time(3)), expires_at = least(s.ends_at, \(time(4)))
        FROM magpie.accounts AS a
        WHERE s.digest = decode($1, 'base64') AND s.kind = 'tokens' AND s.expires_at > \(time(3)) AND a.id = s.account_id
            AND a.disabled_at IS NULL
        RETURNING \(AccountSession.columns), \(Account.columns)
        """)
    private static let spendToken = SQL(
        "token_spend",
        """
        INSERT INTO magpie.spent_refresh_tokens (digest, session_id)
        SELECT decode($1, 'base64'), s.id FROM magpie.account_sessions AS s WHERE s.digest = decode($2, 'base64')
        """)
    private static let endStolen = SQL(
        "token_stolen",
        """
        DELETE FROM magpie.account_sessions AS s USING magpie.spent_refresh_tokens AS t
        WHERE t.digest = decode($1, 'base64') AND s.id = t.session_id AND s.digest <> decode($2, 'base64')
        """)
}
