// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MediaCore

struct RenderGateTests {
    /// Work that is under way until it is told to end.
    private struct Work {
        private let ends: AsyncStream<Void>
        private let end: AsyncStream<Void>.Continuation
        private let begins: AsyncStream<Void>
        private let begin: AsyncStream<Void>.Continuation

        init() {
            (ends, end) = AsyncStream.makeStream()
            (begins, begin) = AsyncStream.makeStream()
        }

        func run() async {
            begin.yield()
            for await _ in ends {}
        }

        func hasBegun() async { for await _ in begins { return } }
        func finish() { end.finish() }
    }

    @Test func soManyRunAndTheNextOnesWait() async throws {
        let gate = RenderGate(parallelism: 1, queue: 1)
        let (first, second) = (Work(), Work())
        async let one: Void = gate.run { await first.run() }
        await first.hasBegun()
        async let two: Void = gate.run { await second.run() }
        await settled { gate.waitingCount == 1 }

        first.finish()
        await second.hasBegun()
        second.finish()

        _ = try await (one, two)
        #expect(gate.waitingCount == 0)
    }

    @Test func whoComesToAFullQueueIsTurnedAwayAtOnce() async throws {
        let gate = RenderGate(parallelism: 1, queue: 1)
        let work = Work()
        async let running: Void = gate.run { await work.run() }
        await work.hasBegun()
        async let waiting: Void = gate.run {}
        await settled { gate.waitingCount == 1 }

        #expect(await errorCode { try await gate.run {} } == .overloaded)

        work.finish()
        _ = try await (running, waiting)
    }

    @Test func whoIsCancelledWhileWaitingLeavesTheQueue() async throws {
        let gate = RenderGate(parallelism: 1, queue: 1)
        let work = Work()
        async let running: Void = gate.run { await work.run() }
        await work.hasBegun()
        let waiting = Task { try await gate.run {} }
        await settled { gate.waitingCount == 1 }

        waiting.cancel()

        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(gate.waitingCount == 0)
        work.finish()
        try await running
    }

    @Test func whoIsCancelledBeforehandDoesNotRun() async throws {
        let gate = RenderGate(parallelism: 1, queue: 1)
        let (waits, go) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for await _ in waits {}
            try await gate.run { _ = Issue.record("it ran") }
        }
        task.cancel()
        go.finish()

        await #expect(throws: CancellationError.self) { try await task.value }
        // The place is free.
        try await gate.run {}
    }

    @Test func aFailureGivesThePlaceBack() async throws {
        let gate = RenderGate(parallelism: 1, queue: 0)

        for _ in 0..<3 {
            #expect(await errorCode { try await gate.run { throw StorageError(.unreadableImage, "") } } == .unreadableImage)
        }
        try await gate.run {}
    }
}
