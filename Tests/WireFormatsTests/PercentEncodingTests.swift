// SPDX-License-Identifier: Apache-2.0

import Testing
import WireFormats

struct PercentEncodingTests {
    @Test(arguments: [("a%2Fb", "a/b"), ("a+b", "a+b"), ("%C3%A9", "é"), ("", ""), ("a%00b", "a\0b"), ("%25", "%"), ("%252F", "%2F")])
    func decodes(raw: String, text: String) {
        #expect(PercentEncoding.decode(raw) == text)
    }

    @Test(arguments: ["%", "%2", "%zz", "a%", "%-1", "%FF", "%C3", "%ED%A0%80", "%C0%AF"])
    func refusesEscapesThatAreMalformedOrNotUTF8(raw: String) {
        #expect(PercentEncoding.decode(raw) == nil)
    }

    @Test func whatIsEncodedDecodesToItself() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let text = String(
                String.UnicodeScalarView(
                    (0..<Int.random(in: 0...20, using: &generator)).compactMap { _ in
                        Unicode.Scalar(UInt32.random(in: 0...0x2_FFFF, using: &generator))
                    }))
            #expect(PercentEncoding.decode(PercentEncoding.encodeComponent(text)) == text)
            #expect(PercentEncoding.decode(PercentEncoding.encodePath(text)) == text)
        }
    }

    @Test func anEncodedComponentIsAToken() {
        #expect(PercentEncoding.encodeComponent("a (b)'s*.png") == "a%20%28b%29%27s%2A.png")
        #expect(PercentEncoding.encodeComponent("testname.png") == "testname.png")
    }

    @Test func readsAQuery() {
        #expect(QueryString.parse("a=1&b=x+y&c&a=2&d=%3D") == ["a": "1", "b": "x y", "c": "", "d": "="])
        #expect(QueryString.parse("") == [:])
        #expect(QueryString.parse("a=%zz") == nil)
    }
}
