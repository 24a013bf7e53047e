// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaTesting
import NIOCore
import Testing
import WireFormats

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// Generated documents: the seed in a failing test's name repeats it.
@Suite struct XMLHostileTests {
    static let pieces: [String] = [
        "<a>", "</a>", "<b>", "</b>", "<a/>", "<", ">", "/", "&", ";", "&amp;", "&#65;", "&#x", "&#0;", "<!--", "-->", "--",
        "<![CDATA[", "]]>", "]]",
        "<?xml version='1.0'?>", "<?", "?>", "<!DOCTYPE a>", "<!ENTITY", "x='y'", "x=", "'", "\"", " ", "\n", "\r", "\t", "é",
        "\u{0}", "\u{1}", "text",
        "p:", ":", "\u{FEFF}", "\u{FFFE}", "=",
    ]

    static func parse(_ text: String) throws(XMLError) -> XMLTree {
        try XMLTree(parsing: ByteBuffer(string: text), limits: .init(bytes: 4096, elements: 40))
    }

    /// Another reader's opinion: whether libxml2 takes the document for well-formed, and its text.
    static func reference(_ text: String) -> String? {
        final class Collector: NSObject, XMLParserDelegate {
            var text = ""
            var failed = false
            func parser(_ parser: XMLParser, parseErrorOccurred error: any Error) { failed = true }
            func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
            func parser(_ parser: XMLParser, foundCDATA block: Data) { text += String(decoding: block, as: UTF8.self) }
        }
        let collector = Collector()
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = collector
        // Its result is true for a document whose elements never end; the error tells.
        return parser.parse() && parser.parserError == nil && !collector.failed ? collector.text : nil
    }

    static func allText(_ tree: XMLTree) -> Int { tree.text.utf8.count + tree.children.map(allText).reduce(0, +) }

    @Test(arguments: 0..<1500 as Range<UInt64>)
    func whatIsReadIsWellFormedForAnotherReaderToo(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 0...12, using: &generator)
        let inner = (0..<count).compactMap { _ in Self.pieces.randomElement(using: &generator) }.joined()
        let document = Bool.random(using: &generator) ? inner : "<a>\(inner)</a>"

        do throws(XMLError) {
            let tree = try Self.parse(document)
            // References to control characters are the one thing that only this reader takes; the pieces have none.
            let other = Self.reference(document)
            #expect(other?.utf8.count == Self.allText(tree), "\(document.debugDescription)")
        } catch {
            #expect(throws: error) { try Self.parse(document) }
        }
    }

    @Test(arguments: 0..<1500 as Range<UInt64>)
    func whatIsWellFormedForAnotherReaderIsReadUnlessForbidden(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let texts = [
            "t", "&amp;", "&#955;", "<![CDATA[<]]>", "<!-- c -->", "<b/>", "<b x='1'>u</b>", "<c x='q' y=\"&lt;\"/>",
            "\n ", "é", "]]", ">",
        ]
        let inner = (0..<Int.random(in: 0...8, using: &generator)).compactMap { _ in texts.randomElement(using: &generator) }
            .joined()
        var document = Array("<a>\(inner)</a>".unicodeScalars)
        if let place = document.indices.randomElement(using: &generator), Int.random(in: 0..<3, using: &generator) > 0 {
            document.remove(at: place)
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: document)
        let result: XMLTree?
        do throws(XMLError) {
            result = try Self.parse(String(text))
        } catch .forbidden {
            return
        } catch {
            result = nil
        }

        #expect((result != nil) == (Self.reference(String(text)) != nil), "\(String(text).debugDescription)")
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func whatIsWrittenIsRead(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let alphabet: [Character] = Array("ab<>&\"'\t\n\r ]é\u{1}\u{7F}\u{FFFE}\u{1F600}\u{2028}")
        let keys = (0..<Int.random(in: 0...5, using: &generator)).map { _ in randomText(&generator, alphabet: alphabet) }
        var xml = XMLWriter()
        xml.element("List", namespace: XMLWriter.s3Namespace) { xml in
            for key in keys { xml.element("Key", text: key) }
        }

        let tree = try XMLTree(parsing: xml.buffer, limits: .init(bytes: 65_536))
        #expect(tree.all("Key").map { Array($0.text.utf8) } == keys.map { Array($0.utf8) })
    }

    @Test func aLongDocumentIsReadInLinearTime() throws {
        let document = ByteBuffer(string: "<a>" + String(repeating: "<b>x&amp;y</b>", count: 90_000) + "</a>")
        let tree = try XMLTree(parsing: document, limits: .init(bytes: 2_000_000))

        #expect(tree.children.count == 90_000)
    }

    @Test func aTagThatNeverEndsIsReadInLinearTime() {
        let attributes = (0..<50_000).map { " a\($0)='b'" }.joined()

        #expect(throws: XMLError.self) {
            try XMLTree(parsing: ByteBuffer(string: "<a" + attributes), limits: .init(bytes: 2_000_000))
        }
    }
}
