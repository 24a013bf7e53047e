// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct CompactJSONTests {
    @Test(
        arguments: [
            (#"{"a": 1, "b": [true, null]}"#, #"{"a":1,"b":[true,null]}"#), ("{}", "{}"), ("[ ]", "[]"),
            (#"{"a: b, c": "x: y, \" z: \\", "d": " \\\" , "}"#, #"{"a: b, c":"x: y, \" z: \\","d":" \\\" , "}"#),
            ("{\n\t\"é\": \"ü  ü\"\r}", #"{"é":"ü  ü"}"#),
        ])
    func spacesAreLeftInTextsAlone(json: String, compact: String) {
        #expect(JSONText(trusted: json).compact.rawValue == compact)
    }
}
