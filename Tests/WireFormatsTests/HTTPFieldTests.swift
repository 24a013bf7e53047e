// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing
import WireFormats

@Suite struct RangeHeaderTests {
    @Test(
        arguments: [
            ("bytes=0-499", 0, 499), ("bytes=500-", 500, nil), ("bytes=-500", nil, 500), ("Bytes= 7-7 ", 7, 7),
            ("bytes=,1-2,", 1, 2),
            ("bytes=0-99999999999999999999", 0, Int64.max), ("bytes=99999999999999999999-", Int64.max, nil), ("bytes=-0", nil, 0),
            ("bytes=9223372036854775807-", Int64.max, nil), ("bytes=9223372036854775808-", Int64.max, nil),
        ] as [(String, Int64?, Int64?)])
    func oneRangeIsRead(_ value: String, _ first: Int64?, _ last: Int64?) {
        #expect(RangeHeader(parsing: value) == .single(.init(first: first, last: last)))
    }

    @Test func aFieldThatWasNotSentIsAbsent() {
        #expect(RangeHeader(parsing: nil) == .absent)
    }

    @Test(arguments: ["items=0-5", "seconds=1-2"])
    func anotherUnitIsToldApart(_ value: String) {
        #expect(RangeHeader(parsing: value) == .otherUnit)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=1-2-3", "bytes=--5", "bytes 0-5",
        "bytes=0-5/10",
        "bytes=0 - 5", "=0-5", "by tes=0-5", "bytes=+1-2", "bytes=0-5,x", "bytes=٣-٤",
    ])
    func anythingElseIsMalformed(_ value: String) {
        #expect(RangeHeader(parsing: value) == .malformed)
    }

    @Test func severalRangesAreToldApart() {
        #expect(RangeHeader(parsing: "bytes=0-1, 5-6") == .multiple)
    }

    @Test(arguments: 0..<500 as Range<UInt64>)
    func anyTextIsReadAndWhatIsAcceptedComesBack(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let value = "bytes=" + randomText(&generator, alphabet: Array("00123456789--,, \té"))

        if case .single(let range) = RangeHeader(parsing: value) {
            let written = "bytes=\(range.first.map(String.init) ?? "")-\(range.last.map(String.init) ?? "")"
            #expect(RangeHeader(parsing: written) == .single(range))
            if let first = range.first, let last = range.last { #expect(first <= last) }
        }
    }
}
