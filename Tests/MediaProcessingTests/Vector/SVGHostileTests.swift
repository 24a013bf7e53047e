// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaProcessing
import MediaTesting
import NIOCore
import Testing

/// Generated documents: a good one with pieces of bad ones put in, taken out and changed.
@Suite struct SVGHostileTests {
    private static let base = """
        <?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e "http://www.w3.org/2000/svg">]><svg xmlns="&e;" xmlns:xlink="http://www.w3.org/1999/xlink" \
        viewBox="0 0 9 9"><style><![CDATA[.a{fill:url(#g)} @media print{rect{stroke:red}}]]></style><linearGradient id="g" xlink:href="#h">\
        <stop offset="1" stop-color="rgb(1,2,3)"/></linearGradient><!-- c --><g id="h" style="fill:url(#g);stroke:red" class="a b">\
        <use xlink:href="#k"/><a href="#k"><text x="1" font-family="'A'">T &amp; <tspan>U</tspan></text></a></g><path id="k" d="M0 0L1 1"/>\
        <animate attributeName="x" values="1;2" dur="1s"/><image href="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"/></svg>
        """
    private static let pieces = [
        "<", ">", "/>", "</", "\"", "'", "&", ";", "<!--", "-->", "<![CDATA[", "]]>", "<?x ", "?>", "<!DOCTYPE x>",
        "<!ENTITY x 'y'>", "&x;", "&#60;", "&#x22;",
        "<script>", "</script>", "<script/>", " onload=\"alert(1)\"", " onload='x'", "javascript:", "href=\"javascript:x\"",
        " xlink:href='http://e/'",
        "url(http://e/)", "url(", ")", "(", "\\75rl(//e)", "@import 'x';", "{", "}", "/*", "*/", "expression(x)",
        "-moz-binding:url(#g)", "behavior:x;",
        "<foreignObject>", "</foreignObject>", "<set attributeName=\"href\" to=\"javascript:x\"/>", "<style>", "</style>",
        "<title>", "</title>", "<g>", "</g>",
        "xmlns=\"http://www.w3.org/1999/xhtml\"", "xmlns:xlink=\"x\"", "xml:base=\"http://e/\"",
        "<animate attributeName=\"href\" to=\"//e\"/>", "\u{0}", "\u{FEFF}",
        "\u{2028}", "é", "\u{FFFF}", "data:text/html,x", "data:image/svg+xml,x", "<use href=\"#h\"/>", "fill:url(#h)", "%x;",
        "\r\n", "\t", "]", "[", ":", "=", "#", "!",
    ]

    @Test(arguments: 0..<12)
    func whateverComesOutIsHarmlessAndStaysAsItIs(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for _ in 0..<150 {
            let document = ByteBuffer(bytes: Self.mutated(&generator))
            do {
                let result = try SanitizedSVG(document)
                accepted += 1
                #expect(result.dangers == [], "\(String(buffer: document))")
                #expect(try SanitizedSVG(result.text).text == result.text, "\(String(buffer: document))")
            } catch let error as StorageError {
                #expect([.unreadableImage, .imageTooLarge].contains(error.code))
            }
        }
        #expect(accepted > 0)
    }

    @Test func everyPrefixOfADocumentIsRefused() {
        let bytes = Array(Self.base.utf8)
        for length in 0..<bytes.count {
            #expect(throws: StorageError.self) { try SVGSanitizer().sanitize(ByteBuffer(bytes: bytes.prefix(length))) }
        }
    }

    @Test(arguments: 0..<4)
    func noiseIsRefused(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let noise = (0..<Int.random(in: 0..<64, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(throws: StorageError.self) { try SVGSanitizer().sanitize(ByteBuffer(bytes: Array("<svg ".utf8) + noise)) }
            _ = SVGSanitizer.isSVG(ByteBuffer(bytes: noise))
        }
    }

    private static func mutated(_ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = Array(base.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes.remove(at: index)
            case 1: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 2:
                let end = min(index + Int.random(in: 1...40, using: &generator), bytes.count)
                bytes.insert(contentsOf: Array(bytes[index..<end]), at: Int.random(in: 0..<bytes.count, using: &generator))
            default: bytes.insert(contentsOf: Array((pieces.randomElement(using: &generator) ?? "").utf8), at: index)
            }
        }
        return bytes
    }
}
