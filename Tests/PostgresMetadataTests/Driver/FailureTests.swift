// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PostgresMetadata

@Suite struct FailureTests {
    private static let schema = """
        CREATE TABLE items (name text CONSTRAINT items_key PRIMARY KEY);
        CREATE FUNCTION own_backend() RETURNS int LANGUAGE sql AS 'SELECT pg_backend_pid()';
        """
    private static let insert = SQL("test_insert", "INSERT INTO items (name) VALUES ($1)")
    private static let count = SQL("test_count", "SELECT count(*) FROM items")
    private static let backend = SQL("test_backend", "SELECT pg_backend_pid()::bigint")
    private static let terminate = SQL("test_terminate", "SELECT pg_terminate_backend($1::int, 5000)")
    private static let terminateSelf = SQL("test_terminate_self", "SELECT pg_terminate_backend(pg_backend_pid())")
    private static let sleep = SQL("test_sleep", "SELECT pg_sleep(0.2)")

    private static func backend(of client: PostgresClient) async throws -> Int64 {
        try await client.transaction([.run(backend)], ending: .commit)[0].onlyRow().int64(0)
    }

    private static func count(in client: PostgresClient) async throws -> Int64 {
        try await client.transaction([.run(count)], ending: .commit)[0].onlyRow().int64(0)
    }

    @Test func aFailedStatementSaysWhatAndWhere() async throws {
        try await withClient { client in
            try await client.execute(script: Self.schema)

            let error = await #expect(throws: PostgresError.self) {
                try await client.transaction([.run(Self.insert, "secret"), .run(Self.insert, "secret")], ending: .commit)
            }

            #expect(error?.kind == .server)
            #expect(error?.sqlState == .uniqueViolation)
            #expect(error?.constraint == "items_key")
            #expect(error?.table == "items")
            #expect(error?.schema == "public")
            #expect(error?.statement == "test_insert")
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test func aFailureInTheMiddleUndoesAllAndKeepsTheConnection() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: Self.schema)
            let before = try await Self.backend(of: client)

            await #expect(throws: PostgresError.self) {
                try await client.transaction(
                    [.run(Self.insert, "a"), .run(Self.insert, "a"), .run(SQL("test_never", "INSERT INTO items VALUES ('b')"))],
                    ending: .commit)
            }

            #expect(try await Self.count(in: client) == 0)
            #expect(try await Self.backend(of: client) == before)
        }
    }

    @Test func aStatementThatWasNotPreparedBecauseOfAFailureIsPreparedNextTime() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: Self.schema)
            let broken = SQL("test_broken", "SELECT 1 / $1::int")
            let after = SQL("test_after", "SELECT 42::bigint")
            await #expect(throws: PostgresError.self) {
                try await client.transaction([.run(broken, "0"), .run(after)], ending: .commit)
            }

            let results = try await client.transaction([.run(broken, "1"), .run(after)], ending: .commit)

            #expect(try results[1].onlyRow().int64(0) == 42)
        }
    }

    @Test func aSyntaxErrorIsReportedForItsStatement() async throws {
        try await withClient { client in
            let error = await #expect(throws: PostgresError.self) {
                try await client.transaction([.run(SQL("test_syntax", "SELEKT 1"))], ending: .commit)
            }

            #expect(error?.sqlState?.rawValue == "42601")
            #expect(error?.statement == "test_syntax")
        }
    }

    @Test func aSwallowedFailureCannotBeCommitted() async throws {
        try await withClient { client in
            try await client.execute(script: Self.schema)

            let error = await #expect(throws: PostgresError.self) {
                try await client.withTransaction(ending: .commit) { transaction in
                    _ = try? await transaction.run([.run(Self.insert, "a"), .run(Self.insert, "a")])
                }
            }

            #expect(error?.sqlState == .failedTransaction)
            #expect(try await Self.count(in: client) == 0)
        }
    }

    @Test func aSavepointSavesTheTransaction() async throws {
        try await withClient { client in
            try await client.execute(script: Self.schema)

            try await client.withTransaction(ending: .commit) { transaction in
                _ = try await transaction.run([.run(Self.insert, "a"), .run(SQL("test_savepoint", "SAVEPOINT s"))])
                await #expect(throws: PostgresError.self) { _ = try await transaction.run([.run(Self.insert, "a")]) }
                _ = try await transaction.run([.run(SQL("test_to_savepoint", "ROLLBACK TO SAVEPOINT s")), .run(Self.insert, "b")])
            }

            #expect(try await Self.count(in: client) == 2)
        }
    }

    @Test func aConnectionLostWhileIdleIsReplaced() async throws {
        try await withClient({ $0.poolSize = 2 }) { client in
            let victim = try await Self.backend(of: client)
            let other = try PostgresClient(configuration: client.configuration, logger: TestLog.quiet)
            _ = try await other.transaction([.run(Self.terminate, "\(victim)")], ending: .commit)
            await other.shutdown()

            // The first caller may meet the loss before the connection thread does; that is an error it may retry.
            let now: Int64
            do {
                now = try await Self.backend(of: client)
            } catch let error as PostgresError where error.isRetryable {
                now = try await Self.backend(of: client)
            }

            #expect(now != victim)
        }
    }

    @Test func aConnectionLostBeforeCommitIsARetryableError() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: Self.schema)

            let error = await #expect(throws: PostgresError.self) {
                try await client.transaction(
                    [.run(Self.insert, "a"), .run(Self.terminateSelf), .run(Self.sleep)], ending: .commit)
            }

            #expect(error?.kind == .connectionLost)
            #expect(error?.isRetryable == true)
            #expect(try await Self.count(in: client) == 0)
        }
    }

    @Test func aConnectionLostBetweenRoundTripsIsARetryableError() async throws {
        try await withClient({ $0.poolSize = 2 }) { client in
            try await client.execute(script: Self.schema)

            let error = await #expect(throws: PostgresError.self) {
                try await client.withTransaction(ending: .commit) { transaction in
                    let own = try await transaction.run([.run(Self.insert, "a"), .run(Self.backend)])[1].onlyRow().int64(0)
                    _ = try await client.transaction([.run(Self.terminate, "\(own)")], ending: .commit)
                    _ = try await transaction.run([.run(Self.insert, "b")])
                }
            }

            #expect(error?.kind == .connectionLost)
            #expect(try await Self.count(in: client) == 0)
        }
    }

    @Test func aConnectionLostDuringCommitIsReportedAsUnknown() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: Self.schema)
            try await client.execute(
                script: """
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END $$;
                    CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED
                        FOR EACH ROW EXECUTE FUNCTION die();
                    """)

            let error = await #expect(throws: PostgresError.self) {
                try await client.transaction([.run(Self.insert, "a")], ending: .commit)
            }

            #expect(error?.kind == .outcomeUnknown)
            #expect(error?.isRetryable == false)
            #expect(try await Self.count(in: client) == 0)
        }
    }

    @Test func changedTablesDoNotBreakPreparedStatements() async throws {
        try await withClient({ $0.poolSize = 2 }) { client in
            try await client.execute(script: Self.schema)
            let all = SQL("test_all", "SELECT * FROM items")
            _ = try await client.transaction([.run(all)], ending: .commit)
            try await client.execute(script: "ALTER TABLE items ADD COLUMN size bigint")

            _ = try await client.transaction([.run(all)], ending: .commit)

            #expect(try await Self.count(in: client) == 0)
        }
    }

    /// A function that refuses with an SQLSTATE as often as told, and counts how often it was asked.
    private static func refusal(_ state: String, times: Int) -> String {
        schema + """
            CREATE SEQUENCE attempts;
            CREATE FUNCTION refuse() RETURNS void LANGUAGE plpgsql AS $$
            BEGIN
                IF nextval('attempts') <= \(times) THEN
                    RAISE SQLSTATE '\(state)';
                END IF;
            END
            $$;
            """
    }
    private static let refuse = SQL("test_refuse", "SELECT refuse()::text")
    private static let attempts = SQL("test_attempts", "SELECT last_value FROM attempts")

    @Test(arguments: [SQLState.deadlockDetected, .serializationFailure])
    func aTransactionThatWasInTheWayOfAnotherIsRunAgain(_ state: SQLState) async throws {
        try await withClient { client in
            try await client.execute(script: Self.refusal(state.rawValue, times: 1))

            _ = try await client.transaction([.run(Self.insert, "a"), .run(Self.refuse)], ending: .commit)

            #expect(try await Self.count(in: client) == 1)
        }
    }

    @Test(arguments: [SQLState.deadlockDetected, .uniqueViolation, .queryCanceled, .lockNotAvailable])
    func aTransactionThatIsRefusedForGoodIsNotRunForever(_ state: SQLState) async throws {
        try await withClient { client in
            try await client.execute(script: Self.refusal(state.rawValue, times: 9))

            let error = await #expect(throws: PostgresError.self) {
                try await client.transaction([.run(Self.insert, "a"), .run(Self.refuse)], ending: .commit)
            }

            let attempts = try await client.transaction([.run(Self.attempts)], ending: .commit)[0].onlyRow().int64(0)
            #expect(error?.sqlState == state && attempts == (state == .deadlockDetected ? 2 : 1))
            #expect(try await Self.count(in: client) == 0)
        }
    }

    @Test(arguments: ["a\0b", "\0"])
    func aNULIsRefusedBeforeAnythingIsSent(_ text: String) async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: Self.schema)

            for steps: [Step] in [
                [.run(Self.insert, text)], [.scope(Scope(role: text)), .run(Self.count)],
                [.scope(Scope(role: nil, settings: [("request.path", text)])), .run(Self.count)],
            ] {
                await #expect { try await client.transaction(steps, ending: .commit) } throws: {
                    ($0 as? PostgresError)?.kind == .invalidParameter
                }
            }

            #expect(try await Self.count(in: client) == 0)
        }
    }

    @Test func scriptsRunAsAWhole() async throws {
        try await withClient { client in
            await #expect(throws: PostgresError.self) {
                try await client.execute(script: "CREATE TABLE a (b int); INSERT INTO a VALUES (1); SELECT 1/0;")
            }
            await #expect(throws: PostgresError.self) { try await client.execute(script: "BEGIN; CREATE TABLE a (b int);") }

            try await client.execute(script: "CREATE TABLE a (b int); SET search_path TO nowhere;")

            let path = SQL("test_path", "SELECT current_setting('search_path'), (SELECT count(*) FROM a)")
            let row = try await client.transaction([.run(path)], ending: .commit)[0].onlyRow()
            #expect(try row.string(0) == "storage, public, extensions")
        }
    }
}
