// SPDX-License-Identifier: Apache-2.0

import Testing
import WireFormats

struct RangeHeaderTests {
    @Test(arguments: [
        ("bytes=0-4", .bounded(first: 0, last: 4)), ("bytes=5-", .from(5)), ("bytes=-3", .suffix(3)), ("Bytes = 1-1", .bounded(first: 1, last: 1)),
        ("bytes=0-99999999999999999999", .bounded(first: 0, last: .max)), ("bytes=0-1,3-4", .multiple), ("items=0-1", .otherUnit),
    ] as [(String, RangeHeader)])
    func readsOneRange(field: String, range: RangeHeader) {
        #expect(RangeHeader(parsing: field) == range)
    }

    @Test(arguments: ["", "bytes", "bytes=", "bytes=-", "bytes=4-1", "bytes=a-b", "bytes=+1-2", "bytes=1--2", "bytes=-1-2", "bytes=1 2"])
    func saysWhatIsMalformed(field: String) {
        #expect(RangeHeader(parsing: field) == .malformed)
    }
}
