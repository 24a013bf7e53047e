// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PostgresMetadata

@Suite struct CancellationTests {
    private static let sleep = SQL("test_sleep", "SELECT pg_sleep(30)")
    private static let backend = SQL("test_backend", "SELECT pg_backend_pid()::bigint")
    private static let sleepers = SQL(
        "test_sleepers",
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'
        """)

    /// Waits until a statement of this kind runs.
    private static func awaitSleeper(_ observer: PostgresClient) async throws {
        while try await observer.transaction([.run(sleepers)], ending: .commit)[0].onlyRow().int64(0) == 0 { await Task.yield() }
    }

    @Test func cancellingTheTaskStopsTheStatementAndKeepsTheConnection() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            let observer = try PostgresClient(configuration: client.configuration, logger: TestLog.quiet)
            let before = try await client.transaction([.run(Self.backend)], ending: .commit)[0].onlyRow().int64(0)
            let start = ContinuousClock.now
            let task = Task { try await client.transaction([.run(Self.sleep)], ending: .commit) }
            try await Self.awaitSleeper(observer)

            task.cancel()

            await #expect(throws: CancellationError.self) { _ = try await task.value }
            let after = try await client.transaction([.run(Self.backend)], ending: .commit)[0].onlyRow().int64(0)
            #expect(after == before)
            #expect(start.duration(to: .now) < .seconds(10))
            await observer.shutdown()
        }
    }

    @Test func cancellingRollsATransactionBack() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.execute(script: "CREATE TABLE items (name text)")
            let observer = try PostgresClient(configuration: client.configuration, logger: TestLog.quiet)
            let task = Task {
                try await client.withTransaction(ending: .commit) { transaction in
                    _ = try await transaction.run([.run(SQL("test_insert", "INSERT INTO items VALUES ('a')"))])
                    _ = try await transaction.run([.run(Self.sleep)])
                }
            }
            try await Self.awaitSleeper(observer)

            task.cancel()

            await #expect(throws: CancellationError.self) { try await task.value }
            let count = SQL("test_count", "SELECT count(*) FROM items")
            #expect(try await client.transaction([.run(count)], ending: .commit)[0].onlyRow().int64(0) == 0)
            await observer.shutdown()
        }
    }

    @Test func cancellingATaskThatHasNotSentAnythingSendsNothing() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.transaction([.run(Self.sleep)], ending: .commit)
            }

            await #expect(throws: CancellationError.self) { _ = try await task.value }
        }
    }

    @Test func lateCancellationsNeverHitTheNextCaller() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            let victim = SQL("test_victim", "SELECT 1")
            let next = SQL("test_next", "SELECT pg_sleep(0.003), $1::bigint")
            _ = try await client.transaction([.run(victim), .run(next, "0")], ending: .commit)
            for number in 0..<300 {
                // Cancelled about when the answer arrives, so that the request to cancel is often late.
                let task = Task { try await client.transaction([.run(victim)], ending: .commit) }
                let moment = ContinuousClock.now + .microseconds(number % 30 * 10)
                while ContinuousClock.now < moment { await Task.yield() }
                task.cancel()
                _ = await task.result

                let row = try await client.transaction([.run(next, "\(number)")], ending: .commit)[0].onlyRow()
                #expect(try row.int64(1) == Int64(number))
            }
        }
    }

    @Test func theStatementTimeoutIsAServerErrorAndNotACancellation() async throws {
        try await withClient({
            $0.poolSize = 1
            $0.statementTimeout = .seconds(1)
        }) { client in
            await #expect { try await client.transaction([.run(Self.sleep)], ending: .commit) } throws: {
                ($0 as? PostgresError)?.sqlState == .queryCanceled
            }
            _ = try await client.transaction([.run(Self.backend)], ending: .commit)
        }
    }
}
