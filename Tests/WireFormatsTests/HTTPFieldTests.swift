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

@Suite struct EntityTagsTests {
    @Test(arguments: [
        "\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "\"x\",W/\"abc\" , \"y\"", "*", " * ", "abc", "\"a,b\", \"abc\"", ",, \"abc\"",
    ])
    func aTagOfTheListMatches(_ field: String) {
        #expect(EntityTags.matches(field, current: "\"abc\""))
        #expect(EntityTags.matches(field, current: "W/\"abc\""))
    }

    @Test(arguments: ["", "\"\"", "\"abcd\"", "\"ABC\"", "\"x\", \"y\"", "\"*\"", "W/", "\"abc", "w/\"abc\""])
    func anotherTagDoesNot(_ field: String) {
        #expect(!EntityTags.matches(field, current: "\"abc\""))
    }

    @Test func onlyTheStarMatchesWhatHasNoTag() {
        #expect(EntityTags.matches("*", current: nil))
        #expect(!EntityTags.matches("\"abc\"", current: nil))
    }

    @Test func aCommaInsideQuotesBelongsToTheTag() {
        #expect(EntityTags.matches("\"x\", \"a,b\"", current: "\"a,b\""))
        #expect(!EntityTags.matches("\"a,b\"", current: "\"b\""))
    }

    @Test(arguments: 0..<500 as Range<UInt64>)
    func aTagIsFoundInAnyListThatHoldsIt(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let tags = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
            "\"\(randomText(&generator, alphabet: Array("abc,W/* é")))\""
        }
        let field = tags.map { Bool.random(using: &generator) ? "W/" + $0 : $0 }.joined(separator: " ,")

        for tag in tags { #expect(EntityTags.matches(field, current: tag)) }
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func anyTextIsSurvived(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let field = randomText(&generator, alphabet: Array("\"\",,W/* ab\té\\"))

        _ = EntityTags.matches(field, current: "\"a\"")
        #expect(!EntityTags.matches(field, current: "\"never in the alphabet: z\""))
    }
}
