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

    private static func allowed(_ rate: DeliveryRate, _ bucket: String = "b", of count: Int) -> Int {
        var allowed = 0
        for _ in 0..<count {
            do throws(StorageError) {
                try rate.take(from: BucketID(stored: bucket))
                allowed += 1
            } catch {
                #expect(error.code == .overloaded)
            }
        }
        return allowed
    }

    @Test func noRateLimitsNothing() {
        #expect(Self.allowed(DeliveryRate(perSecond: 0), of: 1000) == 1000)
    }

    @Test func aSecondsShareMayBeTakenAtOnceAndNoMore() {
        let clock = Clock()
        let rate = DeliveryRate(perSecond: 10, now: clock.now)

        #expect(Self.allowed(rate, of: 30) == 10)
        clock.advance(.milliseconds(500))
        #expect(Self.allowed(rate, of: 30) == 5)
        clock.advance(.seconds(60))
        #expect(Self.allowed(rate, of: 30) == 10)
    }

    @Test func oneBucketDoesNotTakeFromAnother() {
        let rate = DeliveryRate(perSecond: 3, now: Clock().now)

        #expect(Self.allowed(rate, "a", of: 9) == 3)
        #expect(Self.allowed(rate, "b", of: 9) == 3)
    }

    @Test func onlySoManyBucketsAreCounted() {
        let clock = Clock()
        let rate = DeliveryRate(perSecond: 1, capacity: 10, now: clock.now)

        for number in 0..<1000 {
            _ = Self.allowed(rate, "\(number)", of: 1)
            clock.advance(.milliseconds(1))
        }

        #expect(rate.tracked <= 10)
    }

    @Test func makingRoomForgetsNobodyWhoIsNotThroughWithTheSecond() {
        let clock = Clock()
        let rate = DeliveryRate(perSecond: 1, capacity: 2, now: clock.now)
        #expect(Self.allowed(rate, "idle", of: 1) == 1)
        clock.advance(.seconds(2))
        #expect(Self.allowed(rate, "busy", of: 1) == 1)

        #expect(Self.allowed(rate, "new", of: 1) == 1)

        #expect(Self.allowed(rate, "busy", of: 1) == 0)
    }
}
