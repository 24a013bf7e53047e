// SPDX-License-Identifier: Apache-2.0

import MediaProcessing
import Testing

/// One payload of each public class of attack. None may leave anything that runs, fetches or leads away.
@Suite struct SVGAttackTests {
    @Test(arguments: scripts + handlers)
    func nothingRuns(_ attack: String) throws {
        let result = try SanitizedSVG.inside(attack + "<rect id=\"kept\"/>")
        #expect(result.dangers == [])
        #expect(!result.text.contains("alert"))
        #expect(result.elements.last == "rect")
    }

    @Test(arguments: links)
    func nothingLeadsAway(_ attack: String) throws {
        let result = try SanitizedSVG.inside(attack + "<rect id=\"kept\"/>")
        #expect(result.dangers == [])
        #expect(!result.text.contains("alert") && !result.text.contains("example.com"))
        #expect(result.elements.last == "rect")
    }

    @Test(arguments: styles)
    func noStyleFetchesOrRuns(_ attack: String) throws {
        let result = try SanitizedSVG.inside(attack + "<rect id=\"kept\"/>")
        #expect(result.dangers == [])
        #expect(!result.text.contains("alert") && !result.text.contains("example.com"))
        #expect(result.elements.last == "rect")
    }

    @Test(arguments: confusions)
    func noOtherVocabularyGetsIn(_ attack: String) throws {
        let result = try SanitizedSVG.inside(attack + "<rect id=\"kept\"/>")
        #expect(result.dangers == [])
        #expect(!result.text.contains("<img") && !result.text.contains("onerror="))
        #expect(result.elements.last == "rect")
    }

    @Test(arguments: animations)
    func noAnimationChangesAnAddress(_ attack: String) throws {
        let result = try SanitizedSVG.inside("<a id=\"x\">\(attack)<text>x</text></a>")
        #expect(result.dangers == [])
        #expect(!result.text.contains("alert") && !result.text.contains("example.com"))
    }

    @Test func handlersOfTheRootAreGone() throws {
        let result = try SanitizedSVG("<svg xmlns=\"\(SanitizedSVG.namespace)\" onload=\"alert(1)\" width=\"3\"/>")
        #expect(result.text == "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"3\"/>")
    }

    @Test func stylesheetInstructionsAreGone() throws {
        let result = try SanitizedSVG(
            "<?xml version=\"1.0\"?><?xml-stylesheet href=\"https://example.com/x.css\"?><svg xmlns=\"\(SanitizedSVG.namespace)\"><?x y?></svg>"
        )
        #expect(result.text == "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
    }

    @Test func aBaseIsGone() throws {
        let result = try SanitizedSVG.inside("<g xml:base=\"https://example.com/\"><use href=\"#a\"/></g>")
        #expect(!result.text.contains("example.com"))
        #expect(result.attribute("href", of: "use") == "#a")
    }

    private static let scripts = [
        "<script>alert(1)</script>",
        "<script href=\"https://example.com/alert.js\"/>",
        "<script xlink:href=\"data:text/javascript,alert(1)\"/>",
        "<script type=\"text/ecmascript\"><![CDATA[alert(1)]]></script>",
        "<g><script>alert(1)<g><rect/></g></script></g>",
        "<x:script xmlns:x=\"http://www.w3.org/2000/svg\">alert(1)</x:script>",
        "<script xmlns=\"http://www.w3.org/1999/xhtml\">alert(1)</script>",
        "<handler type=\"application/ecmascript\">alert(1)</handler>",
        "<listener event=\"click\" handler=\"#alert\"/>",
        "<foreignObject><iframe xmlns=\"http://www.w3.org/1999/xhtml\" src=\"javascript:alert(1)\"/></foreignObject>",
        "<foreignObject><body xmlns=\"http://www.w3.org/1999/xhtml\" onload=\"alert(1)\"/></foreignObject>",
        "<iframe src=\"javascript:alert(1)\"/>", "<embed src=\"data:text/html,alert(1)\"/>", "<object data=\"x\">alert</object>",
        "<audio src=\"x\" onerror=\"alert(1)\"/>", "<video><source onerror=\"alert(1)\"/></video>",
        "<base href=\"javascript:alert(1)//\"/>",
        "<switch><foreignObject><x>alert(1)</x></foreignObject></switch>",
        "<metadata><script>alert(1)</script></metadata>",
        "<title><script>alert(1)</script></title>", "<desc><foreignObject>alert(1)</foreignObject></desc>",
        "<text><script>alert(1)</script></text>", "<g>alert(1)</g>",
        "<!-- <script>alert(1)</script> -->", "<SCRIPT>alert(1)</SCRIPT>", "<sCrIpT>alert(1)</sCrIpT>",
    ]

    private static let handlers = [
        "<g onclick=\"alert(1)\"/>", "<g onload='alert(1)'/>", "<g ONLOAD=\"alert(1)\"/>", "<g oNmOuSeOvEr=\"alert(1)\"/>",
        "<g x:onload=\"alert(1)\" xmlns:x=\"http://www.w3.org/2000/svg\"/>", "<g ev:onload=\"alert(1)\"/>",
        "<g onbegin=\"alert(1)\"/>", "<animate onbegin=\"alert(1)\" attributeName=\"x\" dur=\"1s\"/>",
        "<animate onend=\"alert(1)\" attributeName=\"x\"/>", "<image onerror=\"alert(1)\" href=\"x\"/>",
        "<g onfocusin=\"alert(1)\" tabindex=\"1\"/>", "<g\nonload\n=\n\"alert(1)\"/>", "<g onload=\"&#97;lert(1) alert\"/>",
        "<g autofocus=\"\" onfocus=\"alert(1)\"/>", "<g onunknownthing=\"alert(1)\"/>", "<g data-x=\"alert(1)\"/>",
    ]

    private static let links = [
        "<a href=\"javascript:alert(1)\"/>", "<a xlink:href=\"javascript:alert(1)\"/>", "<a href=\"jav&#x09;ascript:alert(1)\"/>",
        "<a href=\" &#x0a; javascript:alert(1)\"/>", "<a xlink:href=\"JaVaScRiPt&#58;alert(1)\"/>",
        "<a href=\"&#x6A;&#x61;vascript:alert(1)\"/>", "<a href=\"https://example.com\"/>", "<a href=\"//example.com\"/>",
        "<a href=\"vbscript:alert(1)\"/>",
        "<a href=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\" x=\"alert\"/>"
            .replacing(" x=\"alert\"", with: ""),
        "<a href=\"data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=\"/>", "<a href=\"data:image/png,alert\"/>",
        "<a y:href=\"javascript:alert(1)\" xmlns:y=\"http://www.w3.org/1999/xlink\"/>",
        "<a href=\"#x javascript:alert(1)\"/>", "<a href=\"?javascript:alert(1)\"/>",
        "<use href=\"https://example.com/a.svg#b\"/>", "<use xlink:href=\"a.svg#alert\"/>",
        "<use href=\"data:image/svg+xml,&lt;svg id='x' onload='alert(1)'/>#x\"/>",
        "<image href=\"https://example.com/a.png\"/>", "<image xlink:href=\"http://example.com/a.svg\"/>",
        "<image href=\"file:///etc/passwd?alert\"/>", "<image href=\"data:image/svg+xml;utf8,alert(1)\"/>",
        "<image href=\"data:text/html,alert(1)\"/>", "<image src=\"https://example.com/\"/>",
        "<image srcset=\"https://example.com/\"/>", "<feImage href=\"https://example.com/a.png\"/>",
        "<linearGradient xlink:href=\"https://example.com/#x\"/>", "<pattern href=\"https://example.com/#x\"/>",
        "<filter xlink:href=\"https://example.com/#x\"/>", "<textPath href=\"https://example.com/#x\"/>",
        "<tref xlink:href=\"https://example.com/#x\"/>", "<mpath href=\"https://example.com/#x\"/>",
        "<cursor xlink:href=\"https://example.com/x.cur\"/>", "<color-profile xlink:href=\"https://example.com/\"/>",
        "<font-face><font-face-src><font-face-uri xlink:href=\"https://example.com/\"/></font-face-src></font-face>",
        "<a ping=\"https://example.com/\" href=\"#a\"/>", "<g xlink:actuate=\"onLoad\" xlink:show=\"https://example.com/\"/>",
        "<altGlyph xlink:href=\"https://example.com/\"/>", "<g action=\"javascript:alert(1)\"/>",
        "<rect fill=\"url(https://example.com/#x)\"/>", "<rect filter=\"url(//example.com/#x)\"/>",
        "<rect fill=\"red url(https://example.com/)\"/>", "<rect clip-path='url(\"https://example.com/#x\")'/>",
        "<rect mask=\"url(data:image/svg+xml,alert(1))\"/>", "<rect fill=\"u\\72l(https://example.com/)\"/>",
        "<rect fill=\"url( 'https://example.com/' )\"/>", "<rect fill=\"URL(https://example.com/)\"/>",
        "<rect fill='/*\"*/url(https://example.com/)/*\"*/'/>", "<rect cursor=\"url(https://example.com/x.cur),auto\"/>",
        "<rect fill=\"url(#a\"/><rect fill=\"url(#a)url(https://example.com/)\"/>",
        "<g xmlns:xlink=\"urn:x\"><a xlink:href=\"javascript:alert(1)\"/></g>",
    ]

    private static let styles = [
        "<style>@import 'https://example.com/x.css';</style>", "<style>@import url(https://example.com/x.css);</style>",
        "<style>@\\69mport 'https://example.com/';</style>", "<style>@IMPORT 'https://example.com/';rect{fill:red}</style>",
        "<style>@font-face{font-family:x;src:url(https://example.com/)}</style>",
        "<style>@namespace url(https://example.com/);</style>",
        "<style>@document url(https://example.com/){rect{fill:red}}</style>",
        "<style>rect{fill:url(https://example.com/#x)}</style>", "<style>rect{fill:\\75rl(https://example.com/)}</style>",
        "<style>rect{fill:\\000075 rl(https://example.com/)}</style>", "<style>rect{fill:u\\\nrl(https://example.com/)}</style>",
        "<style>rect{background:url(https://example.com/)}</style>",
        "<style>rect{background-image:url(https://example.com/)}</style>",
        "<style>rect{fill:image-set('https://example.com/' 1x)}</style>", "<style>rect{fill:src('https://example.com/')}</style>",
        "<style>rect{content:url(https://example.com/)}</style>",
        "<style>rect{--x:url(https://example.com/);fill:var(--x)}</style>",
        "<style>rect{width:expression(alert(1))}</style>", "<style>rect{width:expr/**/ession(alert(1))}</style>",
        "<style>rect{behavior:url(x.htc?alert)}</style>", "<style>rect{-moz-binding:url(https://example.com/x.xml#x)}</style>",
        "<style><![CDATA[@import 'https://example.com/';]]></style>", "<style>&#64;import 'https://example.com/';</style>",
        "<style>@media print{@import 'https://example.com/';rect{fill:url(https://example.com/)}}</style>",
        "<style>@supports (x:y){rect{fill:url(https://example.com/)}}</style>",
        "<style>@keyframes k{to{fill:url(https://example.com/)}}</style>",
        "<style>rect[x='\"]{fill:url(https://example.com/)}\"']{fill:red}</style>",
        "<style>rect{fill:'</style>", "<style>rect{font-family:'\nx:url(https://example.com/)'}</style>",
        "<style>/*</style><style>*/@import 'https://example.com/';</style>",
        "<style><g/>@import 'https://example.com/';</style>", "<style type=\"text/xsl\">alert(1)</style>",
        "<style>&lt;/style>&lt;img src=x onerror=alert(1)></style>", "<style>&lt;!--@import 'https://example.com/';--></style>",
        "<style>rect{fill:\"&lt;/style>&lt;script>alert(1)&lt;/script>\"}</style>",
        "<style>rect{color:red;}}@import 'https://example.com/';</style>", "<style>;@import 'https://example.com/';</style>",
        "<style>a{b:c}@import 'https://example.com/'</style>",
        "<rect style=\"fill:url(https://example.com/)\"/>", "<rect style=\"fill:u&#x5C;72l(https://example.com/)\"/>",
        "<rect style=\"background:url('https://example.com/')\"/>", "<rect style=\"x:expression(alert(1))\"/>",
        "<rect style=\"/*&quot;*/fill:url(https://example.com/)/*&quot;*/\"/>", "<rect style=\"behaviour:url(x?alert)\"/>",
        "<rect style=\"fill:red;@import 'https://example.com/'\"/>", "<rect style=\"-moz-binding:url(https://example.com/)\"/>",
        "<rect style=\"fill:red}@import 'https://example.com/';x{\"/>", "<rect style=\"filter:progid:alert(1)\"/>",
        "<rect style=\"fill:&#x2f;**&#x2f;url(https://example.com/)\"/>",
        "<rect style=\"mask-image:url(https://example.com/)\"/>",
        "<rect style=\"cursor:url(https://example.com/),auto\"/>", "<rect style=\"list-style:url(https://example.com/)\"/>",
        "<link xmlns=\"http://www.w3.org/1999/xhtml\" rel=\"stylesheet\" href=\"https://example.com/\"/>",
    ]

    private static let confusions = [
        "<math xmlns=\"http://www.w3.org/1998/Math/MathML\"><mtext><img onerror=\"alert(1)\"/></mtext></math>",
        "<p xmlns=\"http://www.w3.org/1999/xhtml\"><style><img src=\"x\" onerror=\"alert(1)\"/></style></p>",
        "<style><![CDATA[</style><img src=x onerror=alert(1)>]]></style>",
        "<title><![CDATA[</title><img src=x>]]></title>",
        "<desc><style><img src=\"x\" onerror=\"alert(1)\"/></style></desc>",
        "<title><svg><style><img src=\"x\" onerror=\"alert(1)\"/></style></svg></title>",
        "<foreignObject><math><mi><mglyph><svg><style><img onerror=\"alert(1)\"/></style></svg></mglyph></mi></math></foreignObject>",
        "<x:rect xmlns:x=\"urn:x\" onerror=\"alert(1)\"/>", "<rect xmlns=\"\" onerror=\"alert(1)\"/>",
        "<undeclared:rect onerror=\"alert(1)\"/>", "<svg xmlns=\"http://www.w3.org/1999/xhtml\"><img onerror=\"x\"/></svg>",
        "<annotation-xml encoding=\"text/html\"><img onerror=\"x\"/></annotation-xml>",
        "<g xmlns:svg=\"http://www.w3.org/1999/xhtml\"><svg:img onerror=\"x\"/></g>",
        "<noscript><style></style><img onerror=\"x\"/></noscript>", "<xmp><img onerror=\"x\"/></xmp>",
        "<text>&lt;img src=x&gt;</text>", "<rect id=\"&quot;>&lt;img src=x>\"/>", "<text aria-label=\"&lt;img/>\">x</text>",
    ]

    private static let animations = [
        "<animate attributeName=\"href\" values=\"javascript:alert(1)\"/>",
        "<animate attributeName=\"xlink:href\" to=\"javascript:alert(1)\" begin=\"0s\"/>",
        "<animate attributeName=\"&#104;ref\" from=\"javascript:alert(1)\"/>",
        "<animate attributeName=\" href \" to=\"https://example.com\"/>",
        "<set attributeName=\"href\" to=\"javascript:alert(1)\"/>", "<set attributeName=\"onclick\" to=\"alert(1)\"/>",
        "<set attributeName=\"x\" to=\"alert(1)\"/>", "<animate attributeName=\"onload\" to=\"alert(1)\"/>",
        "<animate xlink:href=\"#x\" attributeName=\"HREF\" to=\"https://example.com\"/>",
        "<animate href=\"https://example.com/#x\" attributeName=\"x\" to=\"1\"/>",
        "<animate attributeName=\"style\" to=\"fill:url(https://example.com/)\"/>",
        "<animate attributeName=\"fill\" to=\"url(https://example.com/)\"/>",
        "<animate attributeName=\"fill\" values=\"red;url(https://example.com/)\"/>",
        "<animateMotion path=\"M0 0\" onbegin=\"alert(1)\"/>",
        "<animateTransform attributeName=\"href\" to=\"javascript:alert(1)\"/>",
        "<animateColor attributeName=\"href\" to=\"javascript:alert(1)\"/>", "<discard begin=\"alert\"/>",
        "<animate attributeName=\"class\" to=\"alert\"/>",
    ]
}
