// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

struct BackOffTests {
    private let backOff = BackOff(first: 2, longest: 3600)

    @Test(arguments: [(1, 2), (2, 4), (3, 8), (11, 2048), (12, 3600), (20, 3600), (Int.max, 3600)] as [(Int, Int64)])
    func theWaitDoublesUpToALimit(_ failures: Int, _ most: Int64) {
        var generator = SeededGenerator(seed: 1)
        let waits = (0..<2000).map { _ in backOff.wait(after: failures, using: &generator) }

        #expect(waits.max() == most || most > 1000)
        #expect(waits.allSatisfy { $0 <= most && $0 >= most / 2 })
    }

    @Test func whatFailsTogetherDoesNotComeBackTogether() {
        var generator = SeededGenerator(seed: 2)

        #expect(Set((0..<200).map { _ in backOff.wait(after: 10, using: &generator) }).count > 100)
    }

    @Test func theWaitIsNeverNothing() {
        var generator = SeededGenerator(seed: 3)

        #expect((0..<200).allSatisfy { _ in BackOff(first: 0, longest: 0).wait(after: 1, using: &generator) == 1 })
    }
}
