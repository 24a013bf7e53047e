// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaProcessing
import Testing

/// Letters that cost much to lay out.
@Suite struct SVGTextTests {
    @Test(arguments: [
        "<text font-size='1e9'>x</text>", "<text font-size='10001'>x</text>", "<text font-size='1e7px'>x</text>",
        "<text style='font-size:1e9px'>x</text>", "<text style='fill:red; FONT-SIZE : 900in'>x</text>",
        "<text style='font-size:1e9px!important;font-size:1px'>x</text>", "<text style='font:bold 1e9px/2 serif'>x</text>",
        "<text style='font-size:calc(1e9px)'>x</text>", "<style>text{font-size:1e9px}</style><text>x</text>",
        "<style>@media screen{text{font:1e9px serif}}</style><text>x</text>", "<style>g{font-size:11em}</style>",
        "<g font-size='100em'><g style='font-size:1000%'><text>x</text></g></g>", "<text font-size='9999rem'>x</text>",
    ])
    func hugeLettersAreRefused(_ piece: String) throws {
        #expect(try SanitizedSVG.refusal(of: piece) == .imageTooLarge)
    }

    @Test(arguments: [
        "<text font-size='10000'>x</text>", "<text font-size='larger'>x</text>", "<text style='font-size:120pt'>x</text>",
        "<style>text{font:bold 12px/1.5 'A', serif} .a{font-size:150%}</style><text class='a'>x</text>",
        "<g font-size='2em'><g font-size='2em'><text font-size='50%'>x</text></g></g>",
        "<g font-size='10000'/><g font-size='10000'><text font-size='1em'>x</text></g>",
    ])
    func lettersThatSomebodyCouldReadAreKept(_ piece: String) throws {
        #expect(try SanitizedSVG.refusal(of: piece) == nil)
    }

    @Test func lettersOfOneTextAreCounted() throws {
        let limits = SVGSanitizer.Limits(textBytes: 1000)
        #expect(try SanitizedSVG.refusal(of: "<text>\(String(repeating: "x", count: 1000))</text>", limits: limits) == nil)
        #expect(
            try SanitizedSVG.refusal(of: "<text>\(String(repeating: "x", count: 1001))</text>", limits: limits) == .imageTooLarge)
        let spans = String(repeating: "<tspan>xxxxxxxxxx</tspan>", count: 101)
        #expect(try SanitizedSVG.refusal(of: "<text>\(spans)</text>", limits: limits) == .imageTooLarge)
        #expect(
            try SanitizedSVG.refusal(
                of:
                    "<text>\(String(repeating: "x", count: 900))</text><text>\(String(repeating: "x", count: 900))</text>",
                limits: limits) == nil)
        #expect(try SanitizedSVG.refusal(of: "<text>\(String(repeating: "x", count: 65537))</text>") == .imageTooLarge)
    }

    @Test(arguments: ["\u{301}", "\u{200D}", "\u{202E}", "\u{FE0F}", "\u{1F3FF}", "\u{20DD}", "&#x301;"])
    func accentsOfOneLetterAreCounted(_ mark: String) throws {
        #expect(
            try SanitizedSVG.refusal(
                of: "<text>a\(String(repeating: mark, count: 64))b\(String(repeating: mark, count: 64))</text>") == nil)
        #expect(try SanitizedSVG.refusal(of: "<text>a\(String(repeating: mark, count: 65))</text>") == .imageTooLarge)
        let parts = String(repeating: mark, count: 40)
        #expect(try SanitizedSVG.refusal(of: "<text>a\(parts)<!-- -->\(parts)</text>") == .imageTooLarge)
        #expect(try SanitizedSVG.refusal(of: "<text>a\(parts)<tspan>\(parts)</tspan></text>") == .imageTooLarge)
    }

    @Test(arguments: ["नमस्ते दुनिया", "สวัสดีชาวโลก ก็ที่", "שָׁלוֹם", "Z̷̢̛a̸͉̓l̶̬̈́g̸̡̛o̵", "👨‍👩‍👧‍👦👍🏽🏴‍☠️", "Tiếng Việt", "한글"])
    func textOfAllTheWorldIsKept(_ text: String) throws {
        #expect(try SanitizedSVG.refusal(of: "<text>\(String(repeating: text, count: 20))</text>") == nil)
    }
}
