// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import MediaCore

@Suite struct ObjectVersionTests {
    private static let day: Int64 = 86_400

    private static func places(ofDay day: Int64, writes: Int) -> Set<Substring> {
        Set((0..<writes).map { _ in ObjectVersion(at: Timestamp(seconds: day * Self.day)).rawValue.prefix(4) })
    }

    @Test func freshVersionsAreDifferentUUIDsInLowerCase() {
        let versions = (0..<1000).map { _ in ObjectVersion().rawValue }
        #expect(Set(versions).count == versions.count)
        #expect(versions.allSatisfy { UUID(uuidString: $0) != nil && $0 == $0.lowercased() })
    }

    @Test func versionsOfOneDayShareFewPlaces() {
        let places = Self.places(ofDay: 20_000, writes: 5000)
        #expect(places.count <= 256)
        #expect(places.count > 200)
    }

    @Test func versionsOfTwoDaysShareNoPlace() {
        #expect(Self.places(ofDay: 20_000, writes: 500).isDisjoint(with: Self.places(ofDay: 20_001, writes: 500)))
    }

    @Test func daysTakeTurns() {
        #expect(!Self.places(ofDay: 20_000, writes: 5000).isDisjoint(with: Self.places(ofDay: 20_256, writes: 5000)))
    }
}
