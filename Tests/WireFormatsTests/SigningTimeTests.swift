// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing
import WireFormats

@Suite struct SigningTimeTests {
    @Test(arguments: [
        (1_369_353_600 as Int64, "20130524T000000Z"), (0, "19700101T000000Z"), (951_827_696, "20000229T123456Z"),
        (-1, "19691231T235959Z"), (4_107_542_400, "21000301T000000Z"), (253_402_300_799, "99991231T235959Z"),
        (-62_167_219_200, "00000101T000000Z"), (1_735_689_599, "20241231T235959Z"),
    ])
    func timesHaveOneText(_ seconds: Int64, _ text: String) {
        #expect(SigningTime(secondsSince1970: seconds).basic == text)
        #expect(SigningTime(basic: text)?.secondsSince1970 == seconds)
        #expect(SigningTime(secondsSince1970: seconds).day == text.prefix(8))
    }

    @Test func theFormsOfOtherFieldsAreRead() {
        let time = SigningTime(secondsSince1970: 1_369_401_845)

        #expect(SigningTime(httpDate: "Fri, 24 May 2013 13:24:05 GMT") == time)
        #expect(SigningTime(extended: "2013-05-24T13:24:05Z") == time)
        #expect(SigningTime(extended: "2013-05-24T13:24:05.999Z") == time)
    }

    @Test(arguments: [
        "", "20130524", "20130524T000000", "20130524T000000z", "20130524T000000Z ", "20131324T000000Z", "20130532T000000Z",
        "20130229T000000Z", "21000229T000000Z", "20130524T240000Z", "20130524T006000Z", "20130524T000061Z",
        "2013-05-24T00:00:00Z",
        "+0130524T000000Z", "20130524t000000Z", "２0130524T000000Z",
    ])
    func othersAreNoBasicTime(_ text: String) {
        #expect(SigningTime(basic: text) == nil)
    }

    @Test(arguments: [
        "2013-05-24T00:00:00", "2013-05-24T00:00:00.Z", "2013-05-24T00:00:00+00:00", "2013-05-24 00:00:00Z",
        "2013-02-30T00:00:00Z",
        "2013-05-24T00:00:00Zx", "20130524T000000Z",
    ])
    func othersAreNoExtendedTime(_ text: String) {
        #expect(SigningTime(extended: text) == nil)
    }

    @Test(arguments: [
        "24 May 2013 13:24:05 GMT", "Fri, 24 May 2013 13:24:05", "Fri, 24 May 2013 13:24:05 CET", "Fri, 24 may 2013 13:24:05 GMT",
        "Fri, 32 May 2013 13:24:05 GMT", "Fri,  4 May 2013 13:24:05 GMT", "Friday, 24-May-13 13:24:05 GMT",
        "Fri, 24 May 2013 1:24:05 GMT",
    ])
    func othersAreNoHTTPDate(_ text: String) {
        #expect(SigningTime(httpDate: text) == nil)
    }

    @Test(arguments: 0..<500 as Range<UInt64>)
    func everyTimeComesBack(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let time = SigningTime(secondsSince1970: Int64.random(in: -62_167_219_200...253_402_300_799, using: &generator))

        #expect(SigningTime(basic: time.basic) == time)
        #expect(SigningTime(basic: time.day + "T000000Z").map { $0 <= time } == true)
    }

    @Test func timesOutOfRangeAreBroughtIntoIt() {
        #expect(SigningTime(secondsSince1970: .max).basic == "99991231T235959Z")
        #expect(SigningTime(secondsSince1970: .min).basic == "00000101T000000Z")
    }
}
