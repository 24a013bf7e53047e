// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Testing

@testable import MediaCore

struct DeliveryRateTests {
    private final class Clock: Sendable {
        private let time = Mutex(NIODeadline.now())
        func advance(_ amount: TimeAmount) { time.withLock { $0 = $0 + amount } }
        var now: @Sendable () -> NIODeadline { { self.time.withLock { $0 } } }
    }

    private static func allowed(_ rate: DeliveryRate, _ bucket: String = "b", of count: Int) async -> Int {
        var allowed = 0
        for _ in 0..<count where await errorCode({ try rate.take(from: BucketID(stored: bucket)) }) == nil { allowed += 1 }
        return allowed
    }

    @Test func noRateLimitsNothing() async {
        #expect(await Self.allowed(DeliveryRate(perSecond: 0), of: 1000) == 1000)
    }

    @Test func aSecondsShareMayBeTakenAtOnceAndNoMore() async {
        let clock = Clock()
        let rate = DeliveryRate(perSecond: 10, now: clock.now)

        #expect(await Self.allowed(rate, of: 30) == 10)
        clock.advance(.milliseconds(500))
        #expect(await Self.allowed(rate, of: 30) == 5)
        clock.advance(.seconds(60))
        #expect(await Self.allowed(rate, of: 30) == 10)
    }

    @Test func oneBucketDoesNotTakeFromAnother() async {
        let rate = DeliveryRate(perSecond: 3, now: Clock().now)

        #expect(await Self.allowed(rate, "a", of: 9) == 3)
        #expect(await Self.allowed(rate, "b", of: 9) == 3)
    }

    @Test func onlySoManyBucketsAreCounted() async {
        let clock = Clock()
        let rate = DeliveryRate(perSecond: 1, capacity: 10, now: clock.now)

        for number in 0..<1000 {
            _ = await Self.allowed(rate, "\(number)", of: 1)
            clock.advance(.milliseconds(1))
        }

        #expect(rate.tracked <= 10)
    }

    @Test func makingRoomForgetsNobodyWhoIsNotThroughWithTheSecond() async {
        let clock = Clock()
        let rate = DeliveryRate(perSecond: 1, capacity: 2, now: clock.now)
        #expect(await Self.allowed(rate, "idle", of: 1) == 1)
        clock.advance(.seconds(2))
        #expect(await Self.allowed(rate, "busy", of: 1) == 1)

        #expect(await Self.allowed(rate, "new", of: 1) == 1)

        #expect(await Self.allowed(rate, "busy", of: 1) == 0)
    }
}
