// SPDX-License-Identifier: Apache-2.0

import MediaProcessing
import NIOCore
import Testing

@Suite struct SVGDetectionTests {
    @Test(arguments: [
        "<svg>", "<svg/>", "\u{FEFF}<svg ", "  \n<svg\n", "<?xml version=\"1.0\"?><svg>", "<!-- <html> --><svg>",
        "<s:svg xmlns:s=\"x\">",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE svg PUBLIC \"a>b\" 'c'><svg ",
        "<!DOCTYPE svg [ <!ENTITY a \">]\"> <!-- ]> --> <!ATTLIST svg x CDATA #IMPLIED> ]>\n<!-- x --><?y?><svg ",
    ])
    func anSVGIsKnownByItsRoot(_ prefix: String) {
        #expect(SVGSanitizer.isSVG(ByteBuffer(string: prefix)))
    }

    @Test(arguments: [
        "", "<", "<svg", "<svgx>", "<html><svg>", "svg", "<!-- <svg> ", "<?xml <svg>", "<!DOCTYPE svg>",
        "<!DOCTYPE html><html><svg>", "<!DOCTYPE svg [<svg>",
        "\u{89}PNG", "<xsvg>", "{\"a\":\"<svg>\"}", "<SVG>", "< svg>", "<!--><svg>", "<!DOCTYPE svg \"><svg>",
    ])
    func whatBeginsOtherwiseIsNone(_ prefix: String) {
        #expect(!SVGSanitizer.isSVG(ByteBuffer(string: prefix)))
    }

    @Test func UTF16IsRead() {
        for (mark, order) in [(UInt16(0xFEFF), Endianness.big), (0xFEFF, .little)] {
            var bytes = ByteBuffer()
            for unit in [mark] + Array("<?xml version=\"1.0\"?><svg>".utf16) { bytes.writeInteger(unit, endianness: order) }
            #expect(SVGSanitizer.isSVG(bytes))
        }
    }
}
