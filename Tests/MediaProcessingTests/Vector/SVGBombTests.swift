// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaProcessing
import Testing

/// Documents that are small and cost much.
@Suite struct SVGBombTests {
    @Test(arguments: ["", "width='100%' height='100%'", "width='50'", "height='50'", "width='50' height='10vh'"])
    func theViewBoxIsTheSizeOfADrawingThatSaysNone(_ size: String) throws {
        func code(_ box: String, _ size: String) throws -> StorageError.Code? {
            do {
                _ = try SanitizedSVG("<svg xmlns='\(SanitizedSVG.namespace)' viewBox='\(box)' \(size)/>")
                return nil
            } catch let error as StorageError {
                return error.code
            }
        }
        #expect(try code("0 0 9000000 9000000", size) == .imageTooLarge)
        #expect(try code("0 0 10 65536", size) == .imageTooLarge)
        #expect(try code("0 0 65535 65535", size) == nil)
        #expect(try code("0 0 9000000 9000000", "width='50' height='50'") == nil)
    }

    /// Levels of an element that draws the one before ten times.
    private func levels(_ level: (_ index: Int) -> String) -> String {
        "<rect id=\"l0\"/>" + (1...8).map(level).joined()
    }

    @Test func usesOfUsesAreCounted() throws {
        let bomb = levels { index in
            "<g id=\"l\(index)\">" + String(repeating: "<use href=\"#l\(index - 1)\"/>", count: 10) + "</g>"
        }
        #expect(try SanitizedSVG.refusal(of: bomb) == .imageTooLarge)
    }

    @Test(arguments: ["fill", "stroke", "filter", "mask", "clip-path"])
    func patternsOfPatternsAreCounted(_ property: String) throws {
        let bomb = levels { index in
            "<pattern id=\"l\(index)\">" + String(repeating: "<rect \(property)=\"url(#l\(index - 1))\"/>", count: 10)
                + "</pattern>"
        }
        #expect(try SanitizedSVG.refusal(of: bomb) == .imageTooLarge)
    }

    @Test func inheritedPaintCountsForEachElementThatInheritsIt() throws {
        let bomb = levels { index in
            "<pattern id=\"l\(index)\"><g style=\"fill:url('#l\(index - 1)')\">" + String(repeating: "<rect/>", count: 10)
                + "</g></pattern>"
        }
        #expect(try SanitizedSVG.refusal(of: bomb) == .imageTooLarge)
    }

    @Test(arguments: [".c", "g > .c", "#p .c, .x", "rect", "rect:hover", "rect.c"])
    func whatAStylesheetPaintsWithIsCounted(_ selector: String) throws {
        let bomb = levels { index in
            let rectangles = String(repeating: "<rect class=\"c\(index)\"/>", count: 10)
            return "<pattern id=\"l\(index)\">\(rectangles)</pattern><style>\(selector.replacing(".c", with: ".c\(index)"))"
                + "{fill:url(#l\(index - 1))}</style>"
        }
        #expect(try SanitizedSVG.refusal(of: bomb) != nil)
    }

    @Test(arguments: ["*", ":is(rect)", "[id]", "svg|rect"])
    func rulesForAnythingMayNotRefer(_ selector: String) throws {
        let result = try SanitizedSVG.inside("<style>\(selector){stroke:red;fill:url(#a)}</style>")
        #expect(result.styles == ["\(selector){stroke:red}"])
    }

    @Test func markersCountForEachPoint() throws {
        let shapes = String(repeating: "<rect/>", count: 1000)
        let path = String(repeating: "L1 1", count: 2000)
        let marker = "<marker id=\"m\">\(shapes)</marker>"
        #expect(
            try SanitizedSVG.refusal(of: "\(marker)<g marker-mid=\"url(#m)\"><path d=\"M0 0\(path)\"/></g>") == .imageTooLarge)
        #expect(try SanitizedSVG.refusal(of: "\(marker)<path marker-end=\"url(#m)\" d=\"M0 0\(path)\"/>") == nil)
    }

    @Test(arguments: [
        "<g id=\"a\"><use href=\"#a\"/></g>", "<use id=\"a\" href=\"#a\"/>",
        "<g id=\"a\"><use href=\"#b\"/></g><g id=\"b\"><use href=\"#a\"/></g>",
        "<pattern id=\"a\"><rect fill=\"url(#a)\"/></pattern><rect fill=\"url(#a)\"/>",
        "<pattern id=\"a\" href=\"#b\"/><pattern id=\"b\" href=\"#a\"/>",
        "<mask id=\"a\" mask=\"url(#a)\"/>", "<filter id=\"a\"><feImage href=\"#b\"/></filter><g id=\"b\" filter=\"url(#a)\"/>",
        "<style>.c{fill:url(#a)}</style><pattern id=\"a\"><rect class=\"c\"/></pattern>",
        "<pattern id=\"a\" href=\"#a\"/>", "<clipPath id=\"a\"><use href=\"#b\"/></clipPath><g id=\"b\" clip-path=\"url(#a)\"/>",
    ])
    func circlesAreRefused(_ circle: String) throws {
        #expect(try SanitizedSVG.refusal(of: circle) == .unreadableImage)
    }

    @Test func aLongChainIsFollowedWithoutRecursion() throws {
        let chain = (1...50_000).map { "<use id=\"u\($0)\" href=\"#u\($0 + 1)\"/>" }.joined()
        #expect(try SanitizedSVG.refusal(of: chain, limits: .init(expandedElements: 10_000_000_000)) == nil)
        #expect(try SanitizedSVG.refusal(of: chain) == .imageTooLarge)
    }

    @Test func aMapOfSymbolsIsAllowed() throws {
        let symbol = "<symbol id=\"s\">" + String(repeating: "<rect/>", count: 40) + "</symbol>"
        #expect(try SanitizedSVG.refusal(of: symbol + String(repeating: "<use href=\"#s\"/>", count: 5000)) == nil)
    }

    @Test func gradientsMayPaintManyThings() throws {
        let gradient = "<linearGradient id=\"a\"><stop/><stop/></linearGradient>"
        let groups = String(repeating: "<g fill=\"url(#a)\" stroke=\"url(#a)\">", count: 100)
        #expect(try SanitizedSVG.refusal(of: gradient + groups + "<rect/>" + String(repeating: "</g>", count: 100)) == nil)
    }

    @Test func limitsOfTheDocumentHold() throws {
        #expect(
            try SanitizedSVG.refusal(of: String(repeating: "<g>", count: 300) + String(repeating: "</g>", count: 300))
                == .imageTooLarge)
        #expect(try SanitizedSVG.refusal(of: "<g/><g/><g/>", limits: .init(elements: 3)) == .imageTooLarge)
        #expect(try SanitizedSVG.refusal(of: "<g/>", limits: .init(bytes: 40)) == .imageTooLarge)
        #expect(try SanitizedSVG.refusal(of: "<g x=\"1\" y=\"2\"/>", limits: .init(attributes: 1)) == .imageTooLarge)
        #expect(try SanitizedSVG.refusal(of: "<path d=\"M0 0 1 1\"/>", limits: .init(attributeBytes: 7)) == .imageTooLarge)
    }

    @Test(arguments: ["100000", "70000px", "2000in", "1e30", "100m"])
    func picturesOfAnUnlikelySizeAreRefused(_ width: String) throws {
        let svg = "<svg xmlns=\"\(SanitizedSVG.namespace)\" width=\"\(width)\"/>"
        if width == "100m" {
            #expect(try SanitizedSVG(svg).attribute("width", of: "svg") == nil)
        } else {
            #expect { try SanitizedSVG(svg) } throws: { ($0 as? StorageError)?.code == .imageTooLarge }
        }
    }

    @Test(arguments: ["0 0 0 1", "0 0 -1 1", "0 0 1e30 1", "0 0 1", "a b c d", "0 0 nan 1", "0 0 inf inf", "0 0 0x10 1"])
    func aViewBoxThatIsNoneIsLeftOut(_ box: String) throws {
        #expect(
            try SanitizedSVG("<svg xmlns=\"\(SanitizedSVG.namespace)\" viewBox=\"\(box)\"/>").attribute("viewBox", of: "svg")
                == nil)
    }

    @Test func costlyFiltersAreBounded() throws {
        let result = try SanitizedSVG.inside(
            """
            <filter id="f"><feTurbulence numOctaves="1000000"/><feGaussianBlur stdDeviation="3,1e9"/><feMorphology radius="1e6 2"/>\
            <feConvolveMatrix order="1000"/><feTurbulence numOctaves="nan"/></filter>
            """)
        #expect(result.attribute("numOctaves", of: "feTurbulence") == "8")
        #expect(result.attribute("stdDeviation", of: "feGaussianBlur") == "3 500")
        #expect(result.attribute("radius", of: "feMorphology") == "100 2")
        #expect(result.attribute("order", of: "feConvolveMatrix") == "15")
        #expect(!result.text.contains("nan"))
    }

    @Test(arguments: [
        "<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">", "<!ENTITY b SYSTEM \"file:///etc/passwd\">", "<!ENTITY % p \"x\">%p;",
        "<!ENTITY b \"&#60;script>\">", "<!ENTITY b \"<script/>\">", "",
    ])
    func entitiesThatAreNoPlainTextAreRefused(_ declarations: String) throws {
        let document = "<!DOCTYPE svg [\(declarations)]><svg xmlns=\"\(SanitizedSVG.namespace)\"><text>&b;</text></svg>"
        #expect { try SanitizedSVG(document) } throws: { ($0 as? StorageError)?.code == .unreadableImage }
    }

    @Test func entitiesCantMakeADocumentMuchLonger() throws {
        let value = String(repeating: "x", count: 1000)
        let uses = String(repeating: "&a;", count: 1000)
        let document =
            "<!DOCTYPE svg [<!ENTITY a '\(value)'>]><svg xmlns=\"\(SanitizedSVG.namespace)\"><text>\(uses)</text></svg>"
        #expect(try SanitizedSVG(document, limits: .init(textBytes: .max)).text.utf8.count > 1_000_000)
        #expect { try SanitizedSVG(document, limits: .init(bytes: 100_000)) } throws: {
            ($0 as? StorageError)?.code == .imageTooLarge
        }
    }
}
