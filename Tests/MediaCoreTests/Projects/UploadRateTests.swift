// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Testing

@testable import MediaCore

struct UploadRateTests {
    /// A clock that stands still; whoever sleeps is noted and wakes at once.
    private final class Clock: Sendable {
        private let time = Mutex(NIODeadline.now())
        private let slept = Mutex<[Duration]>([])
        func advance(_ amount: TimeAmount) { time.withLock { $0 = $0 + amount } }
        var now: @Sendable () -> NIODeadline { { self.time.withLock { $0 } } }
        var sleep: @Sendable (Duration) async throws -> Void { { duration in self.slept.withLock { $0.append(duration) } } }
        var waits: [Int64] {
            slept.withLock { $0.map { $0.components.seconds * 1000 + $0.components.attoseconds / 1_000_000_000_000_000 } }
        }
    }

    private static func rate(_ perMinute: Int, queue: Int, _ clock: Clock) -> UploadRate {
        UploadRate(.init(perMinute: perMinute, queue: queue), now: clock.now, sleep: clock.sleep)
    }

    private static func refusal(_ rate: UploadRate, _ key: String = "k") async -> StorageError? {
        do {
            try await rate.take(for: key)
            return nil
        } catch {
            return error as? StorageError
        }
    }

    @Test func noRateLimitsNothing() async throws {
        let clock = Clock()
        let rate = Self.rate(0, queue: 0, clock)
        for _ in 0..<1000 { try await rate.take(for: "k") }
        #expect(clock.waits.isEmpty)
    }

    @Test func aMinutesShareMayBeTakenAtOnceAndTheNextWaitInTurn() async throws {
        let clock = Clock()
        let rate = Self.rate(60, queue: 3, clock)

        for _ in 0..<60 { try await rate.take(for: "k") }
        #expect(clock.waits.isEmpty)
        for _ in 0..<3 { try await rate.take(for: "k") }
        #expect(clock.waits == [1000, 2000, 3000])
    }

    @Test func whoFindsTheQueueFullIsToldWhenToComeBack() async throws {
        let clock = Clock()
        let rate = Self.rate(6, queue: 2, clock)
        for _ in 0..<8 { try await rate.take(for: "k") }

        let refused = await Self.refusal(rate)
        #expect(refused?.code == .overloaded && refused?.retryAfter == 10)
        clock.advance(.seconds(10))
        #expect(await Self.refusal(rate) == nil)
        #expect(await Self.refusal(rate)?.retryAfter == 10)
    }

    @Test func keysDoNotShare() async throws {
        let rate = Self.rate(1, queue: 0, Clock())
        #expect(await Self.refusal(rate, "a") == nil)
        #expect(await Self.refusal(rate, "b") == nil)
        #expect(await Self.refusal(rate, "a")?.code == .overloaded)
    }

    @Test func whoGivesUpWaitingGivesTheTurnBack() async throws {
        let clock = Clock()
        let rate = UploadRate(.init(perMinute: 1, queue: 1), now: clock.now, sleep: { _ in throw CancellationError() })
        try await rate.take(for: "k")

        for _ in 0..<5 {
            await #expect(throws: CancellationError.self) { try await rate.take(for: "k") }
        }
    }

    @Test func aPauseBringsNoMoreThanAMinutesShare() async throws {
        let clock = Clock()
        let rate = Self.rate(2, queue: 0, clock)
        try await rate.take(for: "k")
        clock.advance(.hours(5))
        try await rate.take(for: "k")
        try await rate.take(for: "k")
        #expect(await Self.refusal(rate)?.retryAfter == 30)
    }
}
