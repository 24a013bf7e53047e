// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import PostgresMetadata

@Suite struct PipelineTests {
    private static let one = SQL("test_one", "SELECT $1::int + 1")
    private static let values = SQL(
        "test_values",
        "SELECT $1::bigint, $2::bool, $3::text[], $4::jsonb, $5::text, $6::bigint, NULL::text, 1.5::float8")
    private static let insert = SQL("test_insert", "INSERT INTO items (name) VALUES ($1)")
    private static let insertSelect = SQL(
        "test_insert_many", "INSERT INTO items SELECT 'n' || g FROM generate_series(1, $1::int) g")
    private static let count = SQL("test_count", "SELECT count(*) FROM items")

    @Test func everyStatementHasItsResultInOrder() async throws {
        try await withClient { client in
            let results = try await client.transaction(
                [.run(Self.one, "1"), .run(Self.one, "2"), .run(Self.one, "3")], ending: .commit)

            #expect(try results.map { try $0.onlyRow().int64(0) } == [2, 3, 4])
        }
    }

    @Test func everyTypeOfValueComesBack() async throws {
        try await withClient { client in
            let strings = ["", "NULL", "a\"b\\c,d{}", "žluťoučký"]
            let statement = Statement(
                Self.values,
                [
                    Parameter.int(Int64.min), Parameter.bool(true), Parameter.strings(strings),
                    Parameter.json(JSONText(trusted: #"{"a": [1, null]}"#)), "text",
                    Parameter.timestamp(Timestamp(microseconds: -7)),
                ])

            let row = try await client.transaction([.statement(statement)], ending: .commit)[0].onlyRow()

            #expect(try row.int64(0) == Int64.min)
            #expect(try row.bool(1))
            #expect(try row.strings(2) == strings)
            #expect(try row.json(3).rawValue == #"{"a": [1, null]}"#)
            #expect(try row.string(4) == "text")
            #expect(try row.timestamp(5) == Timestamp(microseconds: -7))
            #expect(try row.optionalString(6) == nil)
            #expect(try row.double(7) == 1.5)
        }
    }

    @Test func aWrongShapeIsAnErrorAndNotACrash() async throws {
        try await withClient { client in
            let row = try await client.transaction([.run(Self.one, "1")], ending: .commit)[0].onlyRow()

            #expect(throws: PostgresError.self) { try row.bool(0) }
            #expect(throws: PostgresError.self) { try row.string(1) }
            #expect(throws: PostgresError.self) { try row.string(-1) }
        }
    }

    @Test func affectedRowsAreCounted() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE items (name text)")

            let results = try await client.transaction([.run(Self.insertSelect, "25")], ending: .commit)

            #expect(results[0].affected == 25)
            #expect(results[0].rows.isEmpty)
        }
    }

    @Test func rollbackLeavesNothing() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE items (name text)")

            let seen = try await client.transaction([.run(Self.insert, "a"), .run(Self.count)], ending: .rollback)
            let left = try await client.transaction([.run(Self.count)], ending: .commit)

            #expect(try seen[1].onlyRow().int64(0) == 1)
            #expect(try left[0].onlyRow().int64(0) == 0)
        }
    }

    @Test func severalRoundTripsAreOneTransaction() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE items (name text)")

            let (before, outside) = try await client.withTransaction(ending: .commit) { transaction in
                _ = try await transaction.run([.run(Self.insert, "a")])
                let inside = try await transaction.run([.run(Self.count)])[0].onlyRow().int64(0)
                let outside = try await client.transaction([.run(Self.count)], ending: .commit)[0].onlyRow().int64(0)
                _ = try await transaction.finish(with: [.run(Self.insert, "b")])
                return (inside, outside)
            }
            let after = try await client.transaction([.run(Self.count)], ending: .commit)[0].onlyRow().int64(0)

            #expect(before == 1)
            #expect(outside == 0)
            #expect(after == 2)
        }
    }

    @Test func aBodyThatReturnsWithoutFinishingCommits() async throws {
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE items (name text)")

            try await client.withTransaction(ending: .commit) { _ = try await $0.run([.run(Self.insert, "a")]) }

            #expect(try await client.transaction([.run(Self.count)], ending: .commit)[0].onlyRow().int64(0) == 1)
        }
    }

    @Test func aBodyThatThrowsRollsBack() async throws {
        struct Refusal: Error {}
        try await withClient { client in
            try await client.execute(script: "CREATE TABLE items (name text)")

            await #expect(throws: Refusal.self) {
                try await client.withTransaction(ending: .commit) { transaction in
                    _ = try await transaction.run([.run(Self.insert, "a")])
                    throw Refusal()
                }
            }

            #expect(try await client.transaction([.run(Self.count)], ending: .commit)[0].onlyRow().int64(0) == 0)
        }
    }

    @Test func aTransactionIsUselessAfterItsEnd() async throws {
        try await withClient { client in
            let escaped = try await client.withTransaction(ending: .commit) { $0 }

            await #expect { _ = try await escaped.run([.run(Self.one, "1")]) } throws: {
                ($0 as? PostgresError)?.kind == .transactionEnded
            }
        }
    }

    @Test func theSessionHasTheSettingsThatPoliciesRelyOn() async throws {
        try await withClient { client in
            let settings = SQL(
                "test_settings",
                """
                SELECT current_setting('application_name'), current_setting('search_path'), current_setting('client_encoding'),
                    current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')
                """)

            let row = try await client.transaction([.run(settings)], ending: .commit)[0].onlyRow()

            #expect(try (0..<5).map { try row.string($0) } == ["magpie", "storage, public, extensions", "UTF8", "30s", "1min"])
        }
    }
}
