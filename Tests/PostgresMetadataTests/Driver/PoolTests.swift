// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import PostgresMetadata

@Suite struct PoolTests {
    private static let one = SQL("test_one", "SELECT 1::bigint")
    private static let backends = SQL(
        "test_backends", "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")

    @Test func aCallerThatGetsNoConnectionInTimeIsToldWhy() async throws {
        try await withClient({
            $0.poolSize = 1
            // Long enough to open the first connection on a busy machine.
            $0.acquireTimeout = .seconds(3)
        }) { client in
            try await client.withTransaction(ending: .commit) { transaction in
                _ = try await transaction.run([.run(Self.one)])

                let error = await #expect(throws: PostgresError.self) {
                    try await client.transaction([.run(Self.one)], ending: .commit)
                }

                #expect(error?.kind == .acquireTimeout)
                #expect(error?.message.contains("MAGPIE_DATABASE_POOL") == true)
            }
            _ = try await client.transaction([.run(Self.one)], ending: .commit)
        }
    }

    @Test func tooManyWaitersAreRefusedAtOnce() async throws {
        try await withClient({
            $0.poolSize = 1
            $0.maxWaitingCallers = 1
        }) { client in
            try await client.withTransaction(ending: .commit) { transaction in
                _ = try await transaction.run([.run(Self.one)])
                let waiter = Task { try await client.transaction([.run(Self.one)], ending: .commit) }
                while client.pool.waitingCount == 0 { await Task.yield() }

                await #expect { try await client.transaction([.run(Self.one)], ending: .commit) } throws: {
                    ($0 as? PostgresError)?.kind == .tooManyWaiting
                }
                _ = try await transaction.finish()
                waiter.cancel()
            }
        }
    }

    @Test func manyCallersShareFewConnections() async throws {
        try await withClient({ $0.poolSize = 3 }) { client in
            try await withThrowingTaskGroup(of: Int64.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        let echo = SQL("test_echo", "SELECT $1::bigint")
                        return try await client.transaction([.run(echo, "\(number)")], ending: .commit)[0].onlyRow().int64(0)
                    }
                }
                var seen: Set<Int64> = []
                for try await number in group { seen.insert(number) }
                #expect(seen.count == 300)
            }

            let others = try await client.transaction([.run(Self.backends)], ending: .commit)[0].onlyRow().int64(0)
            #expect(others <= 2)
        }
    }

    @Test func aCancelledWaiterLeavesTheQueue() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            try await client.withTransaction(ending: .commit) { transaction in
                _ = try await transaction.run([.run(Self.one)])
                let waiter = Task { try await client.transaction([.run(Self.one)], ending: .commit) }
                waiter.cancel()

                await #expect(throws: CancellationError.self) { _ = try await waiter.value }
            }
            _ = try await client.transaction([.run(Self.one)], ending: .commit)
        }
    }

    @Test func shutdownLetsATransactionFinishAndRefusesLaterOnes() async throws {
        let client = try await TestCluster.shared.makeClient { $0.poolSize = 2 }
        let (shutdown, value) = try await client.withTransaction(ending: .commit) { transaction in
            _ = try await transaction.run([.run(Self.one)])
            let shutdown = Task { await client.shutdown() }
            while !client.pool.isShutDown { await Task.yield() }
            await #expect { try await client.transaction([.run(Self.one)], ending: .commit) } throws: {
                ($0 as? PostgresError)?.kind == .shutDown
            }
            return (shutdown, try await transaction.finish(with: [.run(Self.one)])[0].onlyRow().int64(0))
        }

        await shutdown.value

        #expect(value == 1)
    }

    @Test func anUnreachableServerIsAnErrorWithinTheConnectTimeout() async throws {
        var configuration = PostgresConfiguration(connectionString: "host=/nonexistent user=x dbname=y")
        configuration.connectTimeout = .milliseconds(200)
        configuration.acquireTimeout = .seconds(60)
        let client = try PostgresClient(configuration: configuration, logger: TestLog.quiet)

        let error = await #expect(throws: PostgresError.self) { try await client.transaction([.run(Self.one)], ending: .commit) }

        #expect(error?.kind == .connectFailed)
        #expect(error?.isRetryable == true)
        await client.shutdown()
    }

    @Test func aServerThatNeverAnswersIsAnErrorWithinTheConnectTimeout() async throws {
        let silent = try LoopbackSocket(listening: true)
        var configuration = PostgresConfiguration(
            connectionString: "postgres://x@127.0.0.1:\(silent.port)/y?sslmode=disable")
        configuration.connectTimeout = .milliseconds(200)
        configuration.acquireTimeout = .seconds(60)
        let client = try PostgresClient(configuration: configuration, logger: TestLog.quiet)

        let error = await #expect(throws: PostgresError.self) { try await client.transaction([.run(Self.one)], ending: .commit) }

        #expect(error?.kind == .connectFailed)
        #expect(error?.message.contains("timed out") == true, "\(String(describing: error))")
        await client.shutdown()
        // Not closed before: the port would be free again, and refuse.
        withExtendedLifetime(silent) {}
    }

    @Test func anAttemptWhoseTimeIsOverBeforeItBeginsSaysSo() async throws {
        let silent = try LoopbackSocket(listening: true)
        let thread = try ConnectionThread()
        defer { thread.stop() }
        let configuration = PostgresConfiguration(
            connectionString: "postgres://x@127.0.0.1:\(silent.port)/y?sslmode=disable", connectTimeout: .zero)

        for id in 1...50 {
            let error = await #expect(throws: PostgresError.self) {
                try await Connection.open(configuration, for: .session, id: UInt64(id), thread: thread)
            }

            #expect(error?.kind == .connectFailed)
            #expect(error?.message.contains("timed out") == true)
        }
        withExtendedLifetime(silent) {}
    }

    @Test(.timeLimit(.minutes(1))) func nothingIsOpenedOnAStoppedThread() async throws {
        let silent = try LoopbackSocket(listening: true)
        let thread = try ConnectionThread()
        thread.stop()
        let configuration = PostgresConfiguration(
            connectionString: "postgres://x@127.0.0.1:\(silent.port)/y?sslmode=disable", connectTimeout: .seconds(600))

        await #expect { try await Connection.open(configuration, for: .session, id: 1, thread: thread) } throws: {
            ($0 as? PostgresError)?.kind == .shutDown
        }
        withExtendedLifetime(silent) {}
    }

    @Test(.timeLimit(.minutes(1))) func anAttemptToConnectEndsWithTheThread() async throws {
        let silent = try LoopbackSocket(listening: true)
        let thread = try ConnectionThread()
        let configuration = PostgresConfiguration(
            connectionString: "postgres://x@127.0.0.1:\(silent.port)/y?sslmode=disable", connectTimeout: .seconds(600))
        let attempt = Task { _ = try await Connection.open(configuration, for: .session, id: 1, thread: thread) }
        while !silent.hasCaller { await Task.yield() }

        thread.stop()

        await #expect { try await attempt.value } throws: { ($0 as? PostgresError)?.kind == .shutDown }
    }

    private final class Order: Sendable {
        let numbers = Mutex<[Int]>([])
    }

    @Test func waitersAreServedInTheirOrder() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            let served = Order()
            try await withThrowingTaskGroup(of: Void.self) { group in
                let holder = try await client.pool.lease()
                for number in 0..<5 {
                    group.addTask {
                        let connection = try await client.pool.lease()
                        served.numbers.withLock { $0.append(number) }
                        client.pool.release(connection)
                    }
                    while client.pool.waitingCount <= number { await Task.yield() }
                }
                client.pool.release(holder)
                try await group.waitForAll()
            }

            #expect(served.numbers.withLock { $0 } == [0, 1, 2, 3, 4])
        }
    }

    @Test func tooManyParametersAreRefusedWithoutLosingTheConnection() async throws {
        try await withClient({ $0.poolSize = 1 }) { client in
            let statement = Statement(Self.one, Array(repeating: "x", count: 65_536))

            await #expect { try await client.transaction([.statement(statement)], ending: .commit) } throws: {
                ($0 as? PostgresError)?.kind == .invalidParameter
            }
        }
    }

    @Test func aMissingDatabaseIsReportedAtOnceWithItsCode() async throws {
        let target = try await TestCluster.shared.makeDatabase()
        let client = try PostgresClient(
            configuration: PostgresConfiguration(connectionString: target + "_missing"), logger: TestLog.quiet)

        let error = await #expect(throws: PostgresError.self) { try await client.transaction([.run(Self.one)], ending: .commit) }

        #expect(error?.sqlState?.rawValue == "3D000")
        await client.shutdown()
    }

    @Test(arguments: ["", "hello", "postgres//x:secret@y", "hots=x password=secret", "host=x password='secret", "host=a\0b"])
    func aMalformedURLIsRefusedWithoutQuotingIt(_ text: String) {
        let error = #expect(throws: PostgresError.self) {
            try PostgresClient(configuration: PostgresConfiguration(connectionString: text), logger: TestLog.quiet)
        }

        #expect(error?.message.contains("secret") == false)
    }
}
