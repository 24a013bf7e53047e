// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PostgresMetadata

@Suite struct ListenTests {
    private static let notify = SQL("test_notify", "SELECT pg_notify($1, $2)")
    private static let terminateListeners = SQL(
        "test_terminate_listeners",
        """
        SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'
        """)

    private func notify(_ client: PostgresClient, _ channel: String, _ payload: String) async throws {
        _ = try await client.transaction([.run(Self.notify, channel, payload)], ending: .commit)
    }

    /// Listens in a task of its own; `body` reads the events.
    private func withListener(
        _ client: PostgresClient, _ channels: [String],
        _ body: (inout AsyncStream<ListenEvent>.Iterator) async throws -> Void
    ) async throws {
        let (events, report) = AsyncStream.makeStream(of: ListenEvent.self)
        let listener = Task { try await client.listen(channels) { report.yield($0) } }
        var iterator = events.makeAsyncIterator()
        let result: Result<Void, any Error>
        do { result = .success(try await body(&iterator)) } catch { result = .failure(error) }
        listener.cancel()
        await #expect(throws: CancellationError.self) { try await listener.value }
        try result.get()
    }

    @Test func notificationsArriveInOrder() async throws {
        try await withClient { client in
            try await withListener(client, ["news", #"odd "name""#]) { events in
                #expect(await events.next() == .connected)
                try await notify(client, "news", "1")
                try await notify(client, #"odd "name""#, "2")
                try await notify(client, "other", "3")
                try await notify(client, "news", "4")

                #expect(await events.next() == .notification(channel: "news", payload: "1"))
                #expect(await events.next() == .notification(channel: #"odd "name""#, payload: "2"))
                #expect(await events.next() == .notification(channel: "news", payload: "4"))
            }
        }
    }

    @Test func aLostListenerSaysSoAndConnectsAgain() async throws {
        try await withClient { client in
            try await withListener(client, ["news"]) { events in
                #expect(await events.next() == .connected)
                _ = try await client.transaction([.run(Self.terminateListeners)], ending: .commit)

                #expect(await events.next() == .lost)
                #expect(await events.next() == .connected)
                try await notify(client, "news", "again")
                #expect(await events.next() == .notification(channel: "news", payload: "again"))
            }
        }
    }

    @Test func aConnectionOnWhichNothingIsHeardIsNotTakenForAListener() async throws {
        try await withClient { client in
            // It has not said LISTEN: as when a pooler lent another connection for that.
            let deaf = try await client.openSession()

            let error = await #expect(throws: PostgresError.self) {
                try await client.awaitEcho("unheard", on: deaf, within: .milliseconds(100))
            }

            #expect(error?.message.contains("session mode") == true)
            client.sessions.remove(deaf)
        }
    }

    @Test func whatIsHeardBeforeTheEchoIsKept() async throws {
        try await withClient { client in
            let connection = try await client.openSession()
            try await connection.run(script: "LISTEN news; LISTEN echo")
            try await notify(client, "news", "early")

            let others = try await client.awaitEcho("echo", on: connection)

            #expect(others.map(\.payload) == ["early"])
            client.sessions.remove(connection)
        }
    }

    @Test func shutdownEndsAListener() async throws {
        let client = try await TestCluster.shared.makeClient()
        let (events, report) = AsyncStream.makeStream(of: ListenEvent.self)
        let listener = Task { try await client.listen(["news"]) { report.yield($0) } }
        var iterator = events.makeAsyncIterator()
        #expect(await iterator.next() == .connected)

        await client.shutdown()

        await #expect { try await listener.value } throws: { ($0 as? PostgresError)?.kind == .shutDown }
    }
}
