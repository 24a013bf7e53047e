// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import MediaTesting
import Testing
import WireFormats

@testable import HTTPFrontends

struct RenderQueryTests {
    private static func fields(_ query: String) throws -> RequestFields {
        let all = try QueryParameters(parsing: query).all.map { ($0.name, RequestValue.string($0.value)) }
        return RequestFields(location: "querystring", fields: Dictionary(all) { first, _ in first })
    }

    private static func parse(_ query: String) throws -> RenderQuery { try RenderQuery(fields(query)) }

    // MARK: What options mean

    @Test(
        arguments: [
            ("", ""), ("width=100", "width=100"), ("width=100&height=0", "width=100"), ("width=999999", "width=2000"),
            ("width=100&height=80&resize=cover", "width=100;height=80;fit=cover"),
            ("resize=contain&height=5", "height=5;fit=contain"),
            ("resize=fill", "fit=fill"), ("resize=scale-down", "fit=scale-down"), ("resize=pad", "fit=pad"),
            ("resize=outside", "fit=outside"), ("quality=20", "quality=20"), ("quality=100", "quality=100"),
            ("format=origin", "format=source"), ("format=webp", "format=webp"), ("format=avif", "format=avif"),
            ("format=auto", "format=accepted"), ("format=jpg", "format=jpeg"), ("format=json", "format=information"),
            ("gravity=noea", "gravity=noea,0,0"), ("gravity=sm", "gravity=attention"), ("gravity=face", "gravity=face"),
            ("gravity=fp&x_offset=0.25&y_offset=1", "gravity=fp,0.25,1"),
            ("gravity=so&x_offset=0.5&y_offset=-12", "gravity=so,0.5r,-12"), ("x_offset=3", "gravity=ce,3,0"),
            ("crop=1,2,30,40", "crop=1,2,30,40"), ("crop=0.1,0,1.0,0.5", "crop=0.1r,0,1r,0.5r"), ("trim=10", "trim=10"),
            ("rotate=90", "rotate=90"), ("rotate=0", ""), ("flip=hv", "flip=hv"), ("blur=1.5", "blur=1.5"), ("blur=0", ""),
            ("sharpen=2", "sharpen=2"), ("radius=max", "radius=full"), ("radius=12", "radius=12"),
            ("background=f00", "background=ff0000"),
            ("background=%2300ff0080", "background=00ff0080"), ("metadata=none", "metadata=strip"),
            ("metadata=copyright", "metadata=copyright"), ("animated=0", "animated=0"), ("enlarge=1", "enlarge=1"),
            ("enlarge=true", "enlarge=1"),
        ])
    func anOptionIsAFieldOfTheTransform(query: String, text: String) throws {
        #expect(try Self.parse(query).request.transform.description == text)
    }

    @Test func pixelRatioAndPresetAreLookedUpLater() throws {
        let request = try Self.parse("dpr=1.5&preset=card-2").request

        #expect(request.pixelRatio == FixedPoint("1.5"))
        #expect(request.preset == "card-2")
        #expect(request.transform == Transform())
    }

    @Test func aBodyHoldsTheSameAsNumbersAndTruths() throws {
        let body = try RequestFields(body: Array(#"{"width":100,"quality":"60","blur":1.25,"enlarge":true,"height":null}"#.utf8))

        #expect(try RenderQuery(body).request.transform.description == "width=100;enlarge=1;blur=1.25;quality=60")
    }

    @Test(
        arguments: [
            ("width=-1", "width must be >= 0"), ("width=a", "width must be integer"), ("width=1.5", "width must be integer"),
            ("width=NaN", "width must be integer"), ("height=inf", "height must be integer"),
            ("quality=19", "quality must be >= 20"),
            ("quality=101", "quality must be <= 100"), ("resize=stretch", "resize must be equal to one of the allowed values"),
            ("format=bmp", "format must be equal to one of the allowed values"),
            ("format=svg", "format must be equal to one of the allowed values"),
            ("gravity=up", "gravity must be equal to one of the allowed values"), ("x_offset=left", "x_offset must be number"),
            ("gravity=fp&x_offset=2&y_offset=0", "x_offset must be <= 1"),
            ("gravity=fp&x_offset=0&y_offset=-1", "y_offset must be >= 0"),
            ("dpr=0.5", "dpr must be >= 1"), ("dpr=5", "dpr must be <= 4"), ("crop=1,2,3", "crop must be x,y,width,height"),
            ("crop=1,2,3,4,5", "crop must be"), ("crop=0,0,0,5", "crop must be of some"), ("crop=0,0,1.5,1", "crop must be"),
            ("trim=256", "trim must be <= 255"), ("rotate=45", "rotate must be equal to"), ("flip=x", "flip must be equal to"),
            ("blur=101", "blur must be <= 100"), ("blur=1e3", "blur must be number"), ("sharpen=11", "sharpen must be <= 10"),
            ("radius=round", "radius must be integer"), ("background=red", "background must be"),
            ("metadata=all", "metadata must be equal to"),
            ("animated=2", "animated must be boolean"), ("enlarge=yes", "enlarge must be boolean"),
            ("preset=A", "preset must be"),
        ])
    func aWrongOptionIsRefusedByItsName(query: String, message: String) {
        let error = #expect(throws: SupabaseError.self) { try Self.parse(query) }

        #expect(error?.message.hasPrefix("querystring/" + message) == true, "\(error?.message ?? "")")
        #expect(error?.httpStatus == .badRequest)
    }

    @Test func aFocalPointNeedsBothOffsets() {
        let error = #expect(throws: SupabaseError.self) { try Self.parse("gravity=fp&x_offset=0.5") }

        #expect(error?.message == "querystring must have required property 'y_offset'")
    }

    @Test func anUnknownOptionIsRefusedByItsName() {
        let error = #expect(throws: SupabaseError.self) { try Self.parse("width=1&widht=2") }

        #expect(error?.message == "querystring must NOT have additional properties: 'widht'")
    }

    @Test func companionsOfAQueryAreNoOptions() throws {
        let fields = try Self.fields("width=1&token=x&download=&t=123")

        #expect(try RenderQuery(fields, besides: RenderQuery.companions).query == "width=1")
    }

    // MARK: Texts

    @Test func aTokenSaysItInOneLine() throws {
        let query = try Self.parse("format=webp&quality=60&height=80&gravity=fp&x_offset=0.5&y_offset=0.4&width=100&crop=0,0,9,9")

        #expect(query.claim == "height:80,width:100,quality:60,gravity:fp:0.5:0.4,crop:0:0:9:9,format:webp")
        #expect(query.formatClaim == "webp")
    }

    @Test(
        arguments: [
            ("width=1&height=1", "height:1,width:1,resizing_type:fill"), ("width=1&resize=contain", "width:1,resizing_type:fit"),
            ("height=2&resize=fill&quality=30", "height:2,resizing_type:force,quality:30"), ("quality=50", "quality:50"),
            ("", ""),
            ("width=3&resize=pad", "width:3,resizing_type:pad"),
        ])
    func theHeaderSpeaksAsTheReference(query: String, header: String) throws {
        #expect(try Self.parse(query).header == header)
    }

    @Test func tokensOfTheReferenceAreRead() throws {
        let query = try RenderQuery(claim: "height:80,width:100,resizing_type:fit,quality:60", format: "origin")

        #expect(query == (try Self.parse("width=100&height=80&resize=contain&quality=60&format=origin")))
    }

    // MARK: Generated

    @Test func everyQueryOfTheGrammarReadsBackFromItsCanonicalForms() throws {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<2_000 {
            let text = Self.randomQuery(&generator)
            let query = try Self.parse(text)

            #expect(try Self.parse(query.query) == query, "\(text)")
            #expect(try Self.parse(query.query).query == query.query, "\(text)")
            #expect(try RenderQuery(claim: query.claim, format: query.formatClaim) == query, "\(text) \(query.claim)")
        }
    }

    @Test func whatIsNoQueryIsRefusedByTheNameOfAField() throws {
        var generator = SeededGenerator(seed: 5)
        var refused = 0
        for _ in 0..<5_000 {
            let text = Mutation.of(Self.randomQuery(&generator), using: &generator)
            guard let fields = try? Self.fields(text) else { continue }
            do {
                let query = try RenderQuery(fields)
                #expect(try Self.parse(query.query) == query, "\(text)")
            } catch let error as SupabaseError {
                refused += 1
                let names = RenderQuery.Option.allCases.map(\.rawValue)
                let isNamed =
                    error.message.utf8.starts(with: "querystring must NOT have additional properties: '".utf8)
                    || names.contains { error.message.hasPrefix("querystring/\($0) ") || error.message.hasSuffix("'\($0)'") }
                #expect(isNamed, "\(text): \(error.message)")
            }
        }
        #expect(refused > 500)
    }

    @Test func anyTextOfATokenIsReadOrRefused() throws {
        var generator = SeededGenerator(seed: 6)
        for _ in 0..<5_000 {
            let query = try Self.parse(Self.randomQuery(&generator))
            let text = Mutation.of(query.claim, using: &generator)
            if let read = try? RenderQuery(claim: text, format: nil) { #expect(try Self.parse(read.query) == read, "\(text)") }
        }
    }

    private static func randomQuery(_ generator: inout SeededGenerator) -> String {
        let choices: [[String]] = [
            ["width=0", "width=1", "width=640", "width=5000"], ["height=333", "height=0"],
            ["resize=cover", "resize=contain", "resize=fill", "resize=pad", "resize=outside", "resize=scale-down"],
            ["quality=20", "quality=77"], ["format=origin", "format=webp", "format=auto", "format=json", "format=jxl"],
            [
                "gravity=ce", "gravity=sowe", "gravity=sm", "gravity=entropy", "gravity=fp&x_offset=0.125&y_offset=1",
                "gravity=no&x_offset=7",
                "gravity=ea&y_offset=-0.5", "x_offset=0.001&y_offset=20.9",
            ],
            ["dpr=1", "dpr=2.625", "dpr=4"], ["crop=0,0,1,1", "crop=0.5,10,0.25,1.0", "crop=.1,0.0,5,0.999"],
            ["trim=0", "trim=255"],
            ["rotate=0", "rotate=270"], ["flip=h", "flip=v"], ["blur=0.3", "blur=99.999", "blur=5.1239"],
            ["sharpen=0", "sharpen=1"],
            ["radius=max", "radius=0", "radius=20"], ["background=abc", "background=%23ABCDEF", "background=12345678"],
            ["metadata=none", "metadata=keep"], ["animated=1", "animated=false"], ["enlarge=0", "enlarge=true"],
            ["preset=hero-2"],
        ]
        var parts = choices.compactMap { Bool.random(using: &generator) ? $0.randomElement(using: &generator) : nil }
        parts.shuffle(using: &generator)
        return parts.joined(separator: "&")
    }
}
