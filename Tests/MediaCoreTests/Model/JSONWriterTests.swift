// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import Testing

struct JSONWriterTests {
    @Test func keepsTheOrderOfKeys() {
        let text = JSONWriter.object { writer in
            writer.field("z", "1")
            writer.field("a", Int64(2))
            writer.key("list")
            writer.array([true, false]) { $0.bool($1) }
            writer.field("none", nil as String?)
            writer.field("raw", JSONText(trusted: "{\"b\":[1]}"))
        }

        #expect(text == #"{"z":"1","a":2,"list":[true,false],"none":null,"raw":{"b":[1]}}"#)
    }

    @Test func everyCharacterReadsBack() throws {
        let hostile =
            String(String.UnicodeScalarView((0..<0x500).compactMap { Unicode.Scalar($0 as UInt32) })) + "\u{1F600}\u{2028}"

        let text = JSONWriter.object { $0.field("value", hostile) }

        let read = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(read["value"] == hostile)
    }
}
