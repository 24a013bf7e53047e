// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import WireFormats

@Suite struct XMLReaderTests {
    static func parse(_ text: String, depth: Int = 16, elements: Int = 1000) throws(XMLError) -> XMLTree {
        try XMLTree(parsing: ByteBuffer(string: text), limits: .init(bytes: 65_536, depth: depth, elements: elements))
    }

    @Test func whatClientsSendIsRead() throws {
        let tree = try Self.parse(
            """
            \u{FEFF}<?xml version="1.0" encoding="UTF-8" standalone='yes' ?>
            <!-- parts -->
            <CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Part><PartNumber>1</PartNumber><ETag>&#34;a&#x62;&quot;</ETag></Part>
              <Part ><ETag>"c"</ETag ><PartNumber>2</PartNumber></Part>
              <Empty a="1>2" b = '&lt;"'/>
            </CompleteMultipartUpload>

            """)

        #expect(tree.name == "CompleteMultipartUpload")
        #expect(tree.all("Part").map { $0["ETag"]?.text } == ["\"ab\"", "\"c\""])
        #expect(tree.all("Part").map { $0["PartNumber"]?.text } == ["1", "2"])
        #expect(tree["Empty"] == XMLTree(name: "Empty"))
        #expect(tree["Nothing"] == nil)
    }

    @Test(arguments: [
        ("<a>b</a>", "b"), ("<a>&lt;&gt;&amp;&quot;&apos;</a>", "<>&\"'"), ("<a><![CDATA[<b>&amp;]]]]></a>", "<b>&amp;]]"),
        ("<a>b<!-- c - d -->e</a>", "be"), ("<a>b<c>d</c>e</a>", "be"), ("<a>&#x1F600;&#9;&#1;</a>", "\u{1F600}\t\u{1}"),
        ("<a>b\r\nc\rd\n&#13;</a>", "b\nc\nd\n\r"), ("<a>é]]&gt;]</a>", "é]]>]"), ("<p:a xmlns:p='x'>b</p:a>", "b"),
        ("<a>  </a>", "  "),
        ("<a><![CDATA[]]></a>", ""), ("<é>b</é>", "b"), ("<_-.1>b</_-.1>", "b"), ("<?xml version='1.0'?><a>b</a>", "b"),
    ])
    func textIsReadAsItIsMeant(_ document: String, _ text: String) throws {
        #expect(try Self.parse(document).text == text)
    }

    @Test func prefixesAreDropped() throws {
        #expect(
            try Self.parse("<s3:A xmlns:s3='x'><s3:B/><C/></s3:A>")
                == XMLTree(name: "A", children: [.init(name: "B"), .init(name: "C")]))
    }

    @Test(arguments: [
        "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<a>&b;</a>",
        "<a><!ELEMENT b></a>", "<?php x?><a/>", "<a><?b c?></a>", "<a>&nbsp;</a>", "<a b='&c;'/>", "<a>&amp</a>", "<a>&lt</a ",
        "<a>&</a>",
        "<a>& b</a>",
        "<?xml version='1.0' encoding='UTF-16'?><a/>", "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        "<a/><?xml version='1.0'?>",
        " <?xml version='1.0'?><a/>", "<!doctype a><a/>", "<a/><!DOCTYPE a>",
    ])
    func whatCouldAttackIsRefused(_ document: String) {
        #expect { try Self.parse(document) } throws: { if case XMLError.forbidden = $0 { true } else { false } }
    }

    @Test(arguments: [
        "", " ", "a", "<", "<a", "<a>", "<a/", "</a>", "<a></b>", "<a><b></a></b>", "<a/><b/>", "<a/>b", "b<a/>", "<a>b",
        "<a b/>", "<a b=c/>",
        "<a b='c/>", "<a b='<'/>", "<a b='c'd='e'/>", "<a b='c' b='d'/>", "<a b='c''/>", "< a/>", "<1/>", "<-a/>", "<a:/>",
        "<:a/>", "<a:b:c/>",
        "<a>]]></a>", "<a><!-- -- --></a>", "<a><!-- </a>", "<a><!--></a>", "<a><![CDATA[</a>", "<![CDATA[b]]><a/>",
        "<a/><![CDATA[b]]>",
        "<a>&#;</a>", "<a>&#x;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#99999999999999;</a>",
        "<a>&#1</a>",
        "<a>&#-1;</a>", "<a>&#xG;</a>", "<a>&#X41;</a>", "<a>\u{0}</a>", "<a>\u{1}</a>", "<a>\u{FFFE}</a>", "<a>\u{FFFF}</a>",
        "<a b='\u{1}'/>",
        "<?xml?><a/>", "<?xml version='1.0'><a/>", "<?xml encoding='UTF-8'?><a/>", "<?xml version='2.0'?><a/>",
        "<?xml version='1.0' version='1.0'?><a/>", "<?xml version='1.0' a='b'?><a/>",
        "<?xml version='1.0' standalone='yes' encoding='UTF-8'?><a/>",
        "<!-- a -->", "<a/ >", "<a / >", "</>", "<a></a b='c'>", "<a></ a>", "<a\u{1}/>", "\u{FEFF}\u{FEFF}<a/>",
        "<a&amp;/>",
    ])
    func whatIsMalformedIsRefused(_ document: String) {
        #expect { try Self.parse(document) } throws: {
            switch $0 as? XMLError {
            case .malformed: true
            // `<?xml?>` is a processing instruction of that name.
            case .forbidden: document.hasPrefix("<?xml?>")
            default: false
            }
        }
    }

    @Test(arguments: [[0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3]] as [[UInt8]])
    func whatIsNoUTF8IsRefused(_ bytes: [UInt8]) {
        let document = ByteBuffer(bytes: Array("<a>".utf8) + bytes + Array("</a>".utf8))

        #expect(throws: XMLError.malformed(offset: 0)) { try XMLTree(parsing: document, limits: .init(bytes: 100)) }
    }

    @Test func limitsHold() throws {
        let deep = String(repeating: "<a>", count: 16) + String(repeating: "</a>", count: 16)

        #expect(throws: Never.self) { try Self.parse(deep) }
        #expect(throws: XMLError.tooDeep) { try Self.parse("<b>\(deep)</b>") }
        #expect(throws: XMLError.tooDeep) { try Self.parse("<a><b/></a>", depth: 1) }
        #expect(throws: Never.self) { try Self.parse("<a><b/><b/></a>", elements: 3) }
        #expect(throws: XMLError.tooManyElements) { try Self.parse("<a><b/><b/></a>", elements: 2) }
        #expect(throws: XMLError.tooLarge) { try XMLTree(parsing: ByteBuffer(string: "<a>b</a>"), limits: .init(bytes: 7)) }
        #expect(throws: Never.self) { try XMLTree(parsing: ByteBuffer(string: "<a>b</a>"), limits: .init(bytes: 8)) }
        #expect(throws: XMLError.tooDeep) { try Self.parse(String(repeating: "<a>", count: 20_000)) }
    }

    @Test func eventsComeInTheirOrder() throws {
        var reader = try XMLReader(ByteBuffer(string: "<a>b<c/>d</a>"), limits: .init(bytes: 100))
        var events: [XMLReader.Event] = []
        while let event = try reader.next() { events.append(event) }

        #expect(events == [.start(name: "a"), .text("b"), .start(name: "c"), .end(name: "c"), .text("d"), .end(name: "a")])
        #expect(try reader.next() == nil)
    }
}

@Suite struct XMLWriterTests {
    @Test func aDocumentIsWrittenAsS3WritesIt() {
        var xml = XMLWriter()
        xml.element("Result", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("Key", text: "a<b>&\"c\"'é")
            xml.element("Empty", text: "")
            xml.element("Grantee", attributes: ["xmlns:xsi": "http://a", "xsi:type": "Canonical\"User"]) { xml in
                xml.element("ID", text: "1")
            }
        }

        #expect(
            String(buffer: xml.buffer) == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                + "<Result xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Key>a&lt;b&gt;&amp;&quot;c&quot;'é</Key><Empty/>"
                + "<Grantee xmlns:xsi=\"http://a\" xsi:type=\"Canonical&quot;User\"><ID>1</ID></Grantee></Result>")
    }

    @Test(arguments: ["\u{A0}", "\u{2027}", "\u{2029}", "\u{FFFD}", "é€", "~", " ", "ÿ", "\u{EFBF}", "\u{10FFFF}"])
    func neighboursOfControlCharactersStandForThemselves(_ text: String) {
        var xml = XMLWriter()
        xml.element("a", text: text + text)

        #expect(String(buffer: xml.buffer).hasSuffix("<a>\(text)\(text)</a>"))
    }

    @Test func controlCharactersAreReferences() {
        var xml = XMLWriter()
        xml.element("a", text: "\t\n\r\u{1}\u{1F}\u{7F}\u{85}\u{2028}\u{FFFE}\u{1F600}")

        #expect(String(buffer: xml.buffer).hasSuffix("<a>&#9;&#10;&#13;&#1;&#31;&#127;&#133;&#8232;&#65534;\u{1F600}</a>"))
    }

    @Test func anErrorInsideAnElementGoesOut() {
        struct Stop: Error {}
        var xml = XMLWriter()

        #expect(throws: Stop.self) { try xml.element("a") { _ in throw Stop() } }
    }
}
