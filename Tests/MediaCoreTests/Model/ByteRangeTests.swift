// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct ByteRangeTests {
    @Test func clampsTheEndToTheObject() throws {
        #expect(try ByteRange.closed(2...100).resolved(size: 10) == 2..<10)
        #expect(try ByteRange.from(4).resolved(size: 10) == 4..<10)
        #expect(try ByteRange.last(100).resolved(size: 10) == 0..<10)
        #expect(try ByteRange.last(3).resolved(size: 10) == 7..<10)
        #expect(try ByteRange.closed(0...Int64.max).resolved(size: 10) == 0..<10)
    }

    @Test(arguments: [ByteRange.closed(10...12), .from(10), .last(0), .closed(Int64.max...Int64.max)])
    func refusesARangeOutsideOfTheObject(range: ByteRange) {
        #expect { try range.resolved(size: 10) } throws: { ($0 as? StorageError)?.code == .rangeNotSatisfiable }
    }

    @Test func anEmptyObjectHasNoRange() {
        #expect(throws: StorageError.self) { try ByteRange.from(0).resolved(size: 0) }
    }
}
