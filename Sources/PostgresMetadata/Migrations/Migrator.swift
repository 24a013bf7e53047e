// SPDX-License-Identifier: Apache-2.0

import Logging

/// Brings a database to the schema of this version.
///
/// Forward only. Each migration is one transaction that also records it in `magpie.migrations`, so a crash leaves a whole number of
/// them applied; an advisory lock lets any number of servers start together.
public struct Migrator: Sendable {
    /// Why a database can't be used. `message` and `hint` are for the operator.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public var migration: String
        public var message: String
        public var hint: String?

        public var description: String {
            "migration \(migration): \(message)" + (hint.map { " (\($0))" } ?? "")
        }
    }

    /// What there was to do.
    public struct Outcome: Hashable, Sendable {
        /// The names of the migrations this call applied.
        public var applied: [String]
        /// Whether schema `storage` came with the database.
        public var isAdopted: Bool
        /// Whether Magpie had never used the database before.
        public var isFirst: Bool { applied.contains(Migration.bookkeeping.name) }
    }

    private let client: PostgresClient
    private let ownsCluster: Bool
    private let logger: Logger

    /// - Parameter ownsCluster: the whole server belongs to Magpie, which may then declare what other users of it would have to agree to.
    init(client: PostgresClient, ownsCluster: Bool, logger: Logger) {
        self.client = client
        self.ownsCluster = ownsCluster
        self.logger = logger
    }

    /// Applies what is missing. A database that has everything is only read.
    /// - Throws: `Failure`, which says what is missing; `StorageError` when the database can't be reached.
    @discardableResult
    public func migrate() async throws -> Outcome {
        do {
            var applied: [String] = []
            var state = try await recorded()
            if state == nil {
                if try await apply(.bookkeeping, in: "") { applied.append(Migration.bookkeeping.name) }
                state = try await recorded()
            }
            guard let state else { throw Failure(migration: "bookkeeping", message: "the list of migrations was not made") }
            for migration in Migration.all where !state.numbers.contains(migration.number) {
                let script = state.isAdopted && migration.isSkippedOnAdoption ? "" : migration.script
                if try await apply(migration, in: script) { applied.append(migration.name) }
            }
            if ownsCluster {
                try await declareLowerLeakproof()
                try await makeRequestLogin()
            }
            return Outcome(applied: applied, isAdopted: state.isAdopted)
        } catch let error as PostgresError {
            throw ErrorMapping.storageError(error)
        }
    }

    private struct State {
        var numbers: Set<Int>
        var isAdopted: Bool
    }

    /// What `magpie.migrations` holds; nil before the bookkeeping.
    private func recorded() async throws -> State? {
        let exists = try await client.transaction([.run(Self.findList)], ending: .rollback)[0].onlyRow().bool(0)
        guard exists else { return nil }
        let rows = try await client.transaction([.run(Self.readList)], ending: .rollback)[0].rows
        let list = try rows.map { (number: try $0.int(0), isAdopted: try $0.bool(1)) }
        guard let first = list.first(where: { $0.number == Migration.bookkeeping.number }) else { return nil }
        return State(numbers: Set(list.map(\.number)), isAdopted: first.isAdopted)
    }

    /// - Parameter script: empty for a migration that is only recorded.
    /// - Returns: false when another server was faster.
    private func apply(_ migration: Migration, in script: String) async throws -> Bool {
        let isBookkeeping = migration.number == Migration.bookkeeping.number
        do {
            try await client.execute(script: isBookkeeping ? Self.bookkeepingScript : Self.transaction(migration, script))
        } catch let error as PostgresError where error.sqlState == Self.alreadyApplied {
            return false
        } catch let error as PostgresError where error.kind == .server {
            throw Failure(migration: migration.name, message: error.message, hint: error.hint)
        }
        logger.info(
            "migration applied", metadata: ["migration": "\(migration.name)", "adopted": "\(script.isEmpty && !isBookkeeping)"])
        return true
    }

    /// Policies bind the callers of `storage.search`, and Postgres enters the index on `lower(name)` for them only if `lower` is declared
    /// not to leak its argument, which it does not. Lost by an upgrade with pg_upgrade; therefore not a migration.
    private func declareLowerLeakproof() async throws {
        let isDeclared = try await client.transaction([.run(Self.readLeakproof)], ending: .rollback)[0].onlyRow().bool(0)
        if !isDeclared { try await client.execute(script: "ALTER FUNCTION pg_catalog.lower(text) LEAKPROOF") }
    }

    /// A token can name no role that this login is not a member of, whatever is granted to others.
    private func makeRequestLogin() async throws {
        let exists = try await client.transaction([.run(Self.findLogin, Self.requestLogin)], ending: .rollback)[0]
            .onlyRow().bool(0)
        if exists { return }
        try await client.execute(
            script: """
                BEGIN;
                -- Roles belong to the cluster: another database's migration may be at the same.
                LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE;
                DO $login$
                BEGIN
                    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(Self.requestLogin)') THEN
                        CREATE ROLE \(Self.requestLogin) LOGIN NOINHERIT;
                        GRANT anon, authenticated, service_role TO \(Self.requestLogin);
                    END IF;
                    GRANT magpie_project TO \(Self.requestLogin);
                END
                $login$;
                COMMIT;
                """)
    }
}

extension Migrator {
    private static let alreadyApplied = SQLState(rawValue: "MG001")

    /// Supabase's name for it: what is written about further roles (`GRANT editor TO authenticator`) holds here too.
    static let requestLogin = "authenticator"
    // The youngest of the roles that it becomes tells whether it has them all.
    private static let findLogin = SQL(
        "migrations_login",
        """
        SELECT EXISTS (
            SELECT FROM pg_auth_members AS m
            JOIN pg_roles AS r ON r.oid = m.roleid
            JOIN pg_roles AS l ON l.oid = m.member
            WHERE l.rolname = $1 AND r.rolname = 'magpie_project'
        )
        """)

    private static let findList = SQL("migrations_find", "SELECT to_regclass('magpie.migrations') IS NOT NULL")
    private static let readList = SQL("migrations_read", "SELECT number, adopted FROM magpie.migrations")
    private static let readLeakproof = SQL(
        "migrations_leakproof", "SELECT proleakproof FROM pg_proc WHERE oid = 'pg_catalog.lower(text)'::regprocedure")

    // Any number will do that nobody else locks: "magpie" in ASCII.
    private static let lock = "SELECT pg_advisory_xact_lock(120261829519717);"

    private static var bookkeepingScript: String {
        """
        BEGIN;
        \(lock)
        \(Migration.bookkeeping.script)
        COMMIT;
        """
    }

    /// Numbers and names come from `Migration.all`, not from anybody's input.
    private static func transaction(_ migration: Migration, _ script: String) -> String {
        """
        BEGIN;
        \(lock)
        DO $guard$
        BEGIN
            IF EXISTS (SELECT FROM magpie.migrations WHERE number = \(migration.number)) THEN
                RAISE SQLSTATE '\(alreadyApplied.rawValue)' USING MESSAGE = 'already applied';
            END IF;
        END
        $guard$;
        \(script)
        INSERT INTO magpie.migrations (number, name, adopted) VALUES (\(migration.number), '\(migration.name)', \(script.isEmpty));
        COMMIT;
        """
    }
}
