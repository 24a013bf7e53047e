// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct ObjectMetadataTests {
    @Test func readsBackWhatItWrote() {
        let metadata = ObjectMetadata(
            eTag: "\"abc\"", size: 12, mimetype: "text/plain; charset=\"x\"", cacheControl: "max-age=3600",
            lastModified: Timestamp(microseconds: 1_795_241_554_567_000), xRobotsTag: "none")

        #expect(ObjectMetadata(parsing: metadata.json) == metadata)
    }

    @Test func acceptsNumbersThatOldRowsHoldAsText() {
        #expect(ObjectMetadata(parsing: JSONText(trusted: #"{"size":"42"}"#)).size == 42)
        #expect(ObjectMetadata(parsing: JSONText(trusted: #"{"contentLength":7}"#)).size == 7)
    }

    @Test(arguments: ["null", "[]", "not json", #"{"size":-1,"lastModified":"x","eTag":5}"#, #"{"size":"many"}"#])
    func whatIsUnreadableBecomesNil(text: String) {
        #expect(ObjectMetadata(parsing: JSONText(trusted: text)) == ObjectMetadata())
    }
}
