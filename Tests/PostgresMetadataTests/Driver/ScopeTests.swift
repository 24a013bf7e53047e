// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PostgresMetadata

@Suite struct ScopeTests {
    private static let whoAmI = SQL("test_who", "SELECT current_user::text, current_setting('request.jwt.claims', true)")
    private static let visible = SQL("test_visible", "SELECT name FROM notes ORDER BY name")

    private static let schema = """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'test_reader') THEN CREATE ROLE test_reader; END IF;
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'test_writer') THEN CREATE ROLE test_writer; END IF;
        EXCEPTION WHEN unique_violation THEN NULL;
        END $$;
        CREATE TABLE notes (name text, owner text);
        INSERT INTO notes VALUES ('a', 'test_reader'), ('b', 'test_writer');
        ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON notes USING (owner = current_user);
        GRANT SELECT ON notes TO test_reader, test_writer;
        """

    @Test func statementsRunInTheScopeBeforeThem() async throws {
        try await withClient { client in
            try await client.execute(script: Self.schema)
            let claims = #"{"sub":"it's \"me\""}"#

            let results = try await client.transaction(
                [
                    .run(Self.whoAmI),
                    .scope(Scope(role: "test_reader", settings: [("request.jwt.claims", claims)])), .run(Self.whoAmI),
                    .run(Self.visible),
                    .scope(Scope(role: "test_writer")), .run(Self.whoAmI), .run(Self.visible),
                    .scope(Scope(role: nil)), .run(Self.whoAmI),
                ], ending: .commit)

            #expect(try results[0].onlyRow().string(0) == "postgres")
            #expect(try results[1].onlyRow().string(0) == "test_reader")
            #expect(try results[1].onlyRow().string(1) == claims)
            #expect(try results[2].rows.map { try $0.string(0) } == ["a"])
            #expect(try results[3].onlyRow().string(0) == "test_writer")
            #expect(try results[4].rows.map { try $0.string(0) } == ["b"])
            #expect(try results[5].onlyRow().string(0) == "postgres")
        }
    }

    @Test(arguments: [TransactionEnd.commit, .rollback])
    func roleAndSettingsAreBackAfterTheTransaction(_ ending: TransactionEnd) async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: Self.schema)
            let scope = Scope(role: "test_reader", settings: [("request.jwt.claims", "{}")])
            _ = try await client.transaction([.scope(scope), .run(Self.visible)], ending: ending)

            let row = try await client.transaction([.run(Self.whoAmI)], ending: .commit)[0].onlyRow()

            #expect(try row.string(0) == "postgres")
            #expect(try (row.optionalString(1) ?? "").isEmpty)
        }
    }

    @Test func roleIsBackAfterAFailure() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: Self.schema)
            let forbidden = SQL("test_forbidden", "INSERT INTO notes VALUES ('c', 'x')")
            await #expect {
                try await client.transaction([.scope(Scope(role: "test_reader")), .run(forbidden)], ending: .commit)
            } throws: {
                ($0 as? PostgresError)?.sqlState == .insufficientPrivilege
            }

            let row = try await client.transaction([.run(Self.whoAmI)], ending: .commit)[0].onlyRow()

            #expect(try row.string(0) == "postgres")
        }
    }

    @Test(arguments: ["none", "no_such_role", "", "postgres\"; DROP TABLE notes; --"])
    func aRoleThatCannotBeAssumedIsRefused(_ role: String) async throws {
        try await withClient { client in
            await #expect {
                try await client.transaction([.scope(Scope(role: role)), .run(Self.whoAmI)], ending: .commit)
            } throws: {
                ($0 as? PostgresError)?.sqlState == .invalidParameterValue
            }
        }
    }

    @Test func eachRoleHasItsOwnPreparedStatement() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: Self.schema)
            let prepared = SQL(
                "test_prepared", "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT name FROM notes%'")
            for role in ["test_reader", "test_writer", "test_reader", "test_writer"] {
                _ = try await client.transaction([.scope(Scope(role: role)), .run(Self.visible)], ending: .commit)
            }

            let count = try await client.transaction([.run(prepared)], ending: .commit)[0].onlyRow().int64(0)

            #expect(count == 2)
        }
    }

    @Test func aScopeGivesItsStatementsMoreTime() async throws {
        try await withClient({ $0.statementTimeout = .milliseconds(100) }) { client in
            let slow = SQL("test_slow", "SELECT pg_sleep(0.3)::text")
            let patient = Scope(role: nil, settings: [("statement_timeout", "1h")])

            _ = try await client.transaction([.scope(patient), .run(slow), .run(slow)], ending: .commit)

            let error = await #expect(throws: PostgresError.self) { try await client.transaction([.run(slow)], ending: .commit) }
            #expect(error?.sqlState == .queryCanceled)
        }
    }

    @Test func preparedStatementsAreBoundedOnTheServer() async throws {
        try await withClient({
            $0.poolSize = 1
            $0.maxPreparedStatements = 8
        }) { client in
            for number in 0..<40 {
                _ = try await client.transaction([.run(SQL("test_many_\(number)", "SELECT \(number)"))], ending: .commit)
            }
            let count = SQL("test_prepared_count", "SELECT count(*) FROM pg_prepared_statements")

            let prepared = try await client.transaction([.run(count)], ending: .commit)[0].onlyRow().int64(0)

            // The one just prepared may have pushed out another that goes with the next transaction.
            #expect(prepared <= 9)
        }
    }
}
