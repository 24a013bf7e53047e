// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import WireFormats

@Suite struct XMLDocumentReaderTests {
    private static func read(_ document: String, attributes: Int = 8, bytes: Int = 10_000) throws -> [String] {
        var reader = try XMLDocumentReader(
            ByteBuffer(string: document),
            limits: .init(bytes: bytes, depth: 4, elements: 8, attributes: attributes, attributeBytes: 100))
        var events: [String] = []
        while let event = try reader.next() {
            switch event {
            case .start(let tag):
                let attributes = tag.attributes.map { " \(Self.text($0.name))=\(String(decoding: $0.value, as: UTF8.self))" }
                events.append("<\(Self.text(tag.name))\(attributes.joined())")
            case .text(let text): events.append(String(decoding: text, as: UTF8.self))
            case .end: events.append(">")
            }
        }
        return events
    }

    private static func text(_ name: XMLQualifiedName) -> String { name.namespace.map { "{\($0)}\(name.local)" } ?? name.local }

    @Test func attributesComeInOrderWithReferencesResolved() throws {
        #expect(try Self.read("<a b='1&amp;&#x41;&lt;' c = \"'&#10;\n\t\"/>") == ["<a b=1&A< c='\n  ", ">"])
    }

    @Test func prefixesStandForNamespaces() throws {
        let document = "<a xmlns='u' xmlns:p='v' x='' p:x=''><p:b xmlns=''><c xmlns:p='w' p:y=''/></p:b><d/></a>"
        #expect(try Self.read(document) == ["<{u}a x= {v}x=", "<{v}b", "<c {w}y=", ">", ">", "<{u}d", ">", ">"])
    }

    @Test func prefixesEndWithTheirElement() throws {
        #expect(try Self.read("<a><b xmlns:p='v' xmlns='u'/><p:c/></a>") == ["<a", "<{u}b", ">", "<{unknown:}c", ">", ">"])
    }

    @Test func theXMLPrefixNeedsNoDeclaration() throws {
        #expect(try Self.read("<a xml:lang='de'/>") == ["<a {\(XMLQualifiedName.xmlNamespace)}lang=de", ">"])
    }

    @Test func commentsInstructionsAndTypesAreSkipped() throws {
        let document =
            "<?xml version='1.0'?><!DOCTYPE a SYSTEM \"x>\" [<!ENTITY e 'f'>%p;<!ELEMENT a '>'>]><?p ?><a>1<!-- -->&e;<?q?><![CDATA[<]]></a><!---->"
        #expect(try Self.read(document) == ["<a", "1", "f", "<", ">"])
    }

    @Test func theFirstOfTwoEntitiesCounts() throws {
        #expect(try Self.read("<!DOCTYPE a [<!ENTITY e '1'><!ENTITY e '2'>]><a>&e;</a>") == ["<a", "1", ">"])
    }

    @Test(arguments: [
        "<a b='1' b='2'/>", "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", "<a b=1/>", "<a b/>", "<a b='1'c='2'/>", "<a b='<'/>",
        "<a :b=''/>", "<:a/>", "<a:/>",
        "<a><b></a></b>", "<a", "<a b='", "<!DOCTYPE a [", "<!DOCTYPE a [<!ENTITY e 'x'", "<!DOCTYPE a><!DOCTYPE a><a/>",
        "<a><?xml version='1.0'?></a>",
        "<a>&#0;</a>", "<a>&#8;</a>", "<a b='&#xB;'/>", "<a>&e</a>", "<!x><a/>", "<a xmlns:xml='u'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
    ])
    func whatIsNotWellFormedIsRefused(_ document: String) {
        #expect(throws: XMLError.self) { try Self.read(document) }
    }

    @Test func limitsHold() {
        #expect(throws: XMLError.tooManyAttributes) { try Self.read("<a b='' c='' d=''/>", attributes: 2) }
        #expect(throws: XMLError.tooLarge) { try Self.read("<a b='\(String(repeating: "x", count: 101))'/>") }
        #expect(throws: XMLError.tooDeep) { try Self.read("<a><a><a><a><a/></a></a></a></a>") }
        #expect(throws: XMLError.tooManyElements) { try Self.read("<a>\(String(repeating: "<b/>", count: 8))</a>") }
        #expect(throws: XMLError.tooLarge) { try Self.read("<a/>", bytes: 3) }
    }

    @Test func namespacesInForceAreBounded() {
        let declarations = (0..<100).map { "xmlns:p\($0)='u'" }.joined(separator: " ")
        #expect(throws: XMLError.tooManyAttributes) {
            try Self.read("<a \(declarations)><b \(declarations)/></a>", attributes: 200)
        }
    }
}
