// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Testing

@testable import MediaCore

struct SharedWorkTests {
    /// Work that counts how often it began and ends when told to, unless it is cancelled.
    private final class Slow: Sendable {
        private let state = Mutex((began: 0, cancelled: 0))
        private let ends: AsyncStream<Void>
        private let end: AsyncStream<Void>.Continuation
        let error: StorageError?

        init(failing error: StorageError? = nil) {
            (ends, end) = AsyncStream.makeStream()
            self.error = error
        }

        var began: Int { state.withLock { $0.began } }
        var cancelled: Int { state.withLock { $0.cancelled } }
        func finish() { end.finish() }

        var work: SharedWork<String, Int>.Work {
            .init(
                make: { _ in
                    self.state.withLock { $0.began += 1 }
                    for await _ in self.ends {}
                    if Task.isCancelled { self.state.withLock { $0.cancelled += 1 } }
                    try Task.checkCancellation()
                    if let error = self.error { throw error }
                    return 7
                }, afterwards: { _ in })
        }
    }

    private static let later = NIODeadline.now() + .hours(1)

    @Test func runsOnceForAllWhoAsk() async throws {
        let shared = SharedWork<String, Int>()
        let slow = Slow()
        let tasks = (0..<20).map { _ in Task { try await shared.value(of: "k", by: Self.later, slow.work) } }
        await settled { shared.waiters(for: "k") == 20 }

        slow.finish()

        for task in tasks { #expect(try await task.value == 7) }
        #expect(slow.began == 1)
    }

    @Test func aFailureIsEverybodys() async throws {
        let shared = SharedWork<String, Int>()
        let slow = Slow(failing: StorageError(.unreadableImage, ""))
        let tasks = (0..<3).map { _ in Task { try await shared.value(of: "k", by: Self.later, slow.work) } }
        await settled { shared.waiters(for: "k") == 3 }

        slow.finish()

        for task in tasks { #expect(await errorCode { _ = try await task.value } == .unreadableImage) }
    }

    @Test func theWorkGoesOnWhenTheOneWhoBeganItLeaves() async throws {
        let shared = SharedWork<String, Int>()
        let slow = Slow()
        let leader = Task { try await shared.value(of: "k", by: Self.later, slow.work) }
        await settled { slow.began == 1 && shared.waiters(for: "k") == 1 }
        let follower = Task { try await shared.value(of: "k", by: Self.later, slow.work) }
        await settled { shared.waiters(for: "k") == 2 }

        leader.cancel()
        await #expect(throws: CancellationError.self) { try await leader.value }
        slow.finish()

        #expect(try await follower.value == 7)
        #expect(slow.began == 1)
        #expect(slow.cancelled == 0)
    }

    @Test func theWorkIsCancelledWhenNobodyWaitsAnyMore() async throws {
        let shared = SharedWork<String, Int>()
        let slow = Slow()
        let tasks = (0..<2).map { _ in Task { try await shared.value(of: "k", by: Self.later, slow.work) } }
        await settled { slow.began == 1 && shared.waiters(for: "k") == 2 }

        for task in tasks { task.cancel() }

        await settled { slow.cancelled == 1 }
        #expect(shared.waiters(for: "k") == 0)
    }

    @Test func everyoneWaitsUntilTheirOwnDeadline() async throws {
        let shared = SharedWork<String, Int>()
        let slow = Slow()
        let patient = Task { try await shared.value(of: "k", by: Self.later, slow.work) }
        await settled { shared.waiters(for: "k") == 1 }

        #expect(
            await errorCode { _ = try await shared.value(of: "k", by: .now() + .milliseconds(5), slow.work) } == .renderTimedOut)

        slow.finish()
        #expect(try await patient.value == 7)
    }

    @Test func whatIsAskedForAfterALastOneLeftBeginsAnew() async throws {
        let shared = SharedWork<String, Int>()
        let (first, second) = (Slow(), Slow())
        let leaving = Task { try await shared.value(of: "k", by: Self.later, first.work) }
        await settled { first.began == 1 && shared.waiters(for: "k") == 1 }
        leaving.cancel()
        _ = await leaving.result

        second.finish()

        #expect(try await shared.value(of: "k", by: Self.later, second.work) == 7)
        #expect(second.began == 1)
    }

    @Test func newcomersGetTheValueWhileItIsBeingKept() async throws {
        let shared = SharedWork<String, Int>()
        let (keeps, kept) = AsyncStream.makeStream(of: Void.self)
        let work = SharedWork<String, Int>.Work(make: { _ in 7 }, afterwards: { _ in for await _ in keeps {} })
        let other = SharedWork<String, Int>.Work(make: { _ in 8 }, afterwards: { _ in })

        #expect(try await shared.value(of: "k", by: Self.later, work) == 7)
        #expect(try await shared.value(of: "k", by: Self.later, other) == 7)
        kept.finish()
    }

    @Test func theWorkLearnsHowLongTheMostPatientWaits() async throws {
        let shared = SharedWork<String, NIODeadline>()
        let (asks, ask) = AsyncStream.makeStream(of: Void.self)
        let work = SharedWork<String, NIODeadline>.Work(
            make: { patience in
                for await _ in asks {}
                return patience()
            }, afterwards: { _ in })
        let deadlines = [Self.later, Self.later + .seconds(9), Self.later + .seconds(3)]
        let tasks = deadlines.map { deadline in Task { try await shared.value(of: "k", by: deadline, work) } }
        await settled { shared.waiters(for: "k") == 3 }

        ask.finish()

        for task in tasks { #expect(try await task.value == Self.later + .seconds(9)) }
    }
}
