// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct TimestampTests {
    @Test func writesMillisecondsInUTC() {
        #expect(Timestamp(microseconds: 1_795_241_554_567_890).iso8601 == "2026-11-21T06:12:34.567Z")
    }

    @Test func writesDatesAsHTTPWantsThem() {
        #expect(Timestamp(seconds: 784_111_777).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test(arguments: [0, 1, 951_782_400, 951_868_800, 4_102_444_800, 1_709_164_800, 1_709_251_199] as [Int64])
    func bothFormsReadBackWhatTheyWrote(seconds: Int64) {
        let time = Timestamp(seconds: seconds)

        #expect(Timestamp(httpDate: time.httpDate) == time)
        #expect(Timestamp(iso8601: time.iso8601) == time)
    }

    @Test func everyDayOfFourCenturiesReadsBack() {
        for day in stride(from: Int64(0), to: 146_097, by: 1) {
            let time = Timestamp(seconds: day * 86_400 + 43_200)
            #expect(Timestamp(httpDate: time.httpDate) == time)
        }
    }

    @Test func timesBeforeTheEpochRoundDown() {
        #expect(Timestamp(microseconds: -1).seconds == -1)
        #expect(Timestamp(microseconds: -1).iso8601 == "1969-12-31T23:59:59.999Z")
    }

    @Test(arguments: [
        "", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT",
        "Wed, 30 Feb 1994 08:49:37 GMT",
    ])
    func refusesWhatIsNoHTTPDate(text: String) {
        #expect(Timestamp(httpDate: text) == nil)
    }

    @Test(arguments: [
        "2026-11-21", "2026-13-21T06:12:34Z", "2026-11-21T06:12:34.Z", "2026-11-21T06:12:34+00:00", "xxxx-11-21T06:12:34Z",
        "2026-02-29T06:12:34Z", "2026-11-31T06:12:34Z",
    ])
    func refusesWhatIsNoISODate(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }
}
