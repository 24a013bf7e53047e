// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaProcessing
import NIOCore
import Testing

/// What stays, and in which form.
@Suite struct SVGSanitizerTests {
    private static let drawing = """
        <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100mm" height="50%" viewBox="0 0 100 50">
          <title>A &amp; B</title>
          <defs>
            <linearGradient id="g" gradientUnits="userSpaceOnUse"><stop offset="0" stop-color="#fff"/></linearGradient>
            <radialGradient id="h" xlink:href="#g" r="10%"/>
            <pattern id="p" width="4" height="4"><circle r="1"/></pattern>
            <clipPath id="c"><path d="M0 0h10v10z"/></clipPath>
            <mask id="m"><rect width="5" height="5" fill="white"/></mask>
            <filter id="f"><feGaussianBlur stdDeviation="2"/><feOffset dx="1"/></filter>
            <marker id="k" orient="auto"><polygon points="0,0 1,1 2,0"/></marker>
            <symbol id="s" viewBox="0 0 1 1"><ellipse rx="1" ry="2"/></symbol>
          </defs>
          <style>.a{fill:url(#g);stroke:red}@media (min-width: 10px){.b{opacity:.5}}@keyframes k{to{opacity:0}}</style>
          <g class="a b" transform="rotate(45 10 10) translate(1,2)" style="fill:url(#g);stroke-width:2px;filter:url('#f')">
            <use xlink:href="#s" x="1"/><use href="#s" y="1"/>
            <path d="M0,0 C1 1 2 2 3 3" clip-path="url(#c)" mask="url(#m)" marker-end="url(#k)"/>
            <line x1="1" y2="2" stroke="currentColor"/><polyline points="1 2 3 4" fill="none"/>
            <text x="1" font-family="'Open Sans', sans-serif" xml:space="preserve">Hi <tspan dy="1">there</tspan></text>
            <circle r="3"><animate attributeName="r" values="1;2;3" dur="1s" repeatCount="indefinite"/></circle>
            <a href="#s"><text>link</text></a>
          </g>
        </svg>
        """

    @Test func aDrawingStaysAsItIs() throws {
        #expect(try SanitizedSVG(Self.drawing).text == Self.drawing)
    }

    @Test func sanitisingTwiceChangesNothing() throws {
        let once = try SVGSanitizer().sanitize(ByteBuffer(string: Self.drawing))
        #expect(try SVGSanitizer().sanitize(once) == once)
    }

    @Test func prefixesAreResolved() throws {
        let result = try SanitizedSVG(
            """
            <s:svg xmlns:s="http://www.w3.org/2000/svg" xmlns:l="http://www.w3.org/1999/xlink"><s:use l:href="#a"/><rect/></s:svg>
            """)
        #expect(
            result.text == """
                <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="#a"/></svg>
                """)
    }

    @Test func aDocumentWithoutNamespaceGetsOne() throws {
        let result = try SanitizedSVG("<svg><rect width='1'/><rect xmlns='http://www.w3.org/1999/xhtml'/></svg>")
        #expect(result.text == "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect width=\"1\"/></svg>")
    }

    @Test func plainEntitiesOfADrawingProgramAreKnown() throws {
        let result = try SanitizedSVG(
            """
            <?xml version="1.0" encoding="utf-8"?>
            <!-- Generator --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [
                <!ENTITY ns_svg "http://www.w3.org/2000/svg"> <!ENTITY st0 'fill:#FF0000;'>
                <!ATTLIST svg x CDATA #IMPLIED> <?pi ?> <!-- ] -->
            ]>
            <svg xmlns="&ns_svg;"><rect style="&st0;"/></svg>
            """)
        #expect(result.text == "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect style=\"fill:#FF0000\"/></svg>")
    }

    @Test(arguments: ["utf-16be", "utf-16le", "iso-8859-1"])
    func otherEncodingsBecomeUTF8(_ encoding: String) throws {
        let text =
            "<?xml version=\"1.0\" encoding=\"\(encoding)\"?><svg xmlns=\"\(SanitizedSVG.namespace)\"><title>é</title></svg>"
        var bytes = ByteBuffer()
        switch encoding {
        case "utf-16be": for unit in [0xFEFF] + Array(text.utf16) { bytes.writeInteger(unit, endianness: .big) }
        case "utf-16le": for unit in [0xFEFF] + Array(text.utf16) { bytes.writeInteger(unit, endianness: .little) }
        default: for scalar in text.unicodeScalars { bytes.writeInteger(UInt8(truncatingIfNeeded: scalar.value)) }
        }
        #expect(try SanitizedSVG(bytes).text == "<svg xmlns=\"\(SanitizedSVG.namespace)\"><title>é</title></svg>")
        #expect(SVGSanitizer.isSVG(bytes))
    }

    @Test(arguments: [
        "", "x", "<html/>", "<svg", "<svg>", "<svg/><svg/>", "<svg></g>", "<svg a='1' a='2'/>", "<svg>&nbsp;</svg>",
        "<svg>&#1;</svg>",
        "<svg>&#xFFFE;</svg>", "<svg>&#xD800;</svg>", "<svg x='<'/>", "<svg>]]></svg>", "<svg><!-- -- --></svg>",
        "<svg>\u{0}</svg>",
        "<?xml version='1.0' encoding='utf-7'?><svg/>", "<svg xmlns='http://www.w3.org/1999/xhtml'/>", "<x:svg/>", "{}",
        "<!DOCTYPE svg>",
        "<svg xmlns:xmlns='a'/>", "<svg xmlns:xml='a'/>", "<svg xmlns:a=''/>", "<a:b:svg/>",
        "<svg xmlns:a='u' xmlns:b='u' a:x='' b:x=''/>", "<svg/><!DOCTYPE svg>", "<svg><![CDATA[</svg>", "<svg/>&amp;",
    ])
    func whatIsNoSVGIsRefused(_ document: String) {
        #expect { try SanitizedSVG(document) } throws: { ($0 as? StorageError)?.code == .unreadableImage }
    }

    @Test func compressedSVGIsRefused() {
        #expect { try SanitizedSVG(ByteBuffer(bytes: [0x1F, 0x8B, 0x08, 0x00, 0x00])) } throws: {
            ($0 as? StorageError)?.code == .unreadableImage
        }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        let bytes = ByteBuffer(bytes: Array("<svg>".utf8) + [0xC3, 0x28] + Array("</svg>".utf8))
        #expect { try SanitizedSVG(bytes) } throws: { ($0 as? StorageError)?.code == .unreadableImage }
    }

    @Test func addressesWithOddSpellingsOfAnIdStay() throws {
        let result = try SanitizedSVG.inside(
            "<rect fill=\"url( '#paint0_linear_1:2' ) red\" stroke='URL(\"#a.b\")' style=\"mask:url( #é )\"/>")
        #expect(result.attribute("fill", of: "rect") == "url( '#paint0_linear_1:2' ) red")
        #expect(result.attribute("stroke", of: "rect") == "URL(\"#a.b\")")
        #expect(result.attribute("style", of: "rect") == "mask:url( #é )")
    }

    @Test func harmlessDeclarationsBesideAHostileOneStay() throws {
        let style = "fill:red; behavior:url(x);stroke : blue ;; broken; opacity:.5 !important;font:italic 12px/1 'A;B'"
        let result = try SanitizedSVG.inside("<rect style=\"\(style)\"/>")
        #expect(result.attribute("style", of: "rect") == "fill:red;stroke:blue;opacity:.5 !important;font:italic 12px/1 'A;B'")
    }

    @Test func rulesBesideAHostileOneStay() throws {
        let result = try SanitizedSVG.inside(
            "<style type=\"text/css\"><![CDATA[@import 'x'; /* c */ g > .a, #b:hover { fill : red; zoom: y } @font-face{a:b} rect{fill:blue}]]></style>"
        )
        #expect(result.styles == ["g > .a, #b:hover{fill:red}rect{fill:blue}"])
    }

    @Test(arguments: ["@media(prefers-color-scheme:dark)", "@media screen and (min-width: 3em)", "@keyframes k"])
    func conditionsAndKeyframesStay(_ prelude: String) throws {
        let rule = "\(prelude){\(prelude.hasSuffix("k") ? "to" : "rect"){fill:red}}"
        #expect(try SanitizedSVG.inside("<style>\(rule)</style>").styles == [rule])
    }

    @Test func whiteSpaceInAttributesSurvives() throws {
        let result = try SanitizedSVG.inside("<text aria-label=\"a&#10;b&#9;c\nd &quot;&lt;\"/>")
        #expect(result.text.contains("aria-label=\"a&#10;b&#9;c d &quot;&lt;\""))
    }

    @Test func thePolicyForbidsScriptsAndFetching() {
        #expect(SVGSanitizer.contentSecurityPolicy.hasPrefix("default-src 'none';"))
        #expect(!SVGSanitizer.contentSecurityPolicy.contains("script-src"))
        #expect(SVGSanitizer.contentSecurityPolicy.contains("sandbox"))
        #expect(!SVGSanitizer.contentSecurityPolicy.contains("allow-"))
    }
}
