// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct ObjectMetadataTests {
    @Test func readsBackWhatItWrote() {
        let metadata = ObjectMetadata(
            eTag: "\"abc\"", size: 12, mimetype: "text/plain; charset=\"x\"", cacheControl: "max-age=3600",
            lastModified: Timestamp(microseconds: 1_795_241_554_567_000), xRobotsTag: "none",
            representation: RepresentationFields(
                contentEncoding: "gzip", contentDisposition: "attachment; filename=\"ü\"", contentLanguage: "de", expires: "never"
            ),
            tags: TagSet(stored: ["b": "2", "a": "\"1\""]))

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

    @Test func whatWasNotSaidIsNotWritten() {
        #expect(!ObjectMetadata(size: 1).json.rawValue.contains(#/contentEncoding|expires|tags/#))
    }

    @Test func tagsOfOldRowsThatAreNoTextAreLeftOut() {
        let details = ObjectMetadata(parsing: JSONText(trusted: #"{"tags":{"a":"1","b":2}}"#))
        #expect(details.tags == TagSet(stored: ["a": "1"]))
        #expect(ObjectMetadata(parsing: JSONText(trusted: #"{"tags":["a"]}"#)).tags.isEmpty)
    }
}
