// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import WireFormats

@Suite struct MultipartFormParserTests {
    static let form = ByteBuffer(
        lines: """
            --AaB03x
            Content-Disposition: form-data; name="cacheControl"

            3600
            --AaB03x
            content-disposition: form-data; name=""; filename="a \\"b\\".png"
            Content-Type: image/png

            \u{1}\u{2}
            --AaB0
            \u{3}
            --AaB03x--
            epilogue
            """)

    static let parts = [
        ReadPart(header: .init(name: "cacheControl"), bytes: ByteBuffer(string: "3600")),
        ReadPart(
            header: .init(name: "", filename: "a \"b\".png", contentType: "image/png"),
            bytes: ByteBuffer(string: "\u{1}\u{2}\r\n--AaB0\r\n\u{3}")),
    ]

    @Test func fieldsAndFilesComeInTheirOrder() throws {
        #expect(try readForm([Self.form]) == Self.parts)
    }

    @Test(arguments: 1..<form.readableBytes)
    func cuttingTheBodyAnywhereChangesNothing(at place: Int) throws {
        var rest = Self.form
        let slice = rest.readSlice(length: place)
        let first = try #require(slice)

        #expect(try readForm([first, rest]) == Self.parts)
    }

    @Test func everyByteMayComeAlone() throws {
        let chunks = Self.form.readableBytesView.map { ByteBuffer(bytes: [$0]) }

        #expect(try readForm(chunks) == Self.parts)
    }

    @Test func bytesOfAPartAreSlicesOfTheChunk() throws {
        var parser = MultipartFormParser(boundary: try MultipartBoundary("AaB03x"))
        parser.push(Self.form)
        var addresses: [Int] = []
        while let event = try parser.next() {
            if case .body(let slice) = event {
                addresses.append(slice.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) })
            }
        }

        let chunk = Self.form.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
        #expect(addresses.allSatisfy { (chunk..<chunk + Self.form.readableBytes).contains($0) })
        #expect(addresses.count == 2)
    }

    @Test func textBeforeTheFirstBoundaryIsIgnored() throws {
        let body = ByteBuffer(lines: "This is a preamble.\n--AaB03\n--AaB03xyz\n--AaB03x\n\(disposition)\n\nv\n--AaB03x--")

        #expect(try readForm([body]).map(\.bytes) == [ByteBuffer(string: "v")])
    }

    @Test func aLineThatOnlyBeginsLikeTheBoundaryIsContent() throws {
        let body = ByteBuffer(lines: "--AaB03x\n\(disposition)\n\na\n--AaB03xyz\nb\n--AaB03x--\n")

        #expect(try readForm([body]).map(\.bytes) == [ByteBuffer(lines: "a\n--AaB03xyz\nb")])
    }

    @Test func anEmptyPartHasNoBytes() throws {
        let body = ByteBuffer(lines: "--AaB03x\n\(disposition)\n\n\n--AaB03x--\n")

        #expect(try readForm([body]).map(\.bytes) == [ByteBuffer()])
    }

    @Test func aFormMayBeEmpty() throws {
        #expect(try readForm([ByteBuffer(string: "--AaB03x--")]) == [])
    }

    @Test func spacesBehindABoundaryAreIgnored() throws {
        let body = ByteBuffer(lines: "--AaB03x \t \n\(disposition)\n\nv\n--AaB03x--")

        #expect(try readForm([body]).count == 1)
    }

    @Test func aFileNameOfTheExtendedFormStandsBesideThePlainOne() throws {
        let body = ByteBuffer(
            lines:
                "--AaB03x\nContent-Disposition: form-data; name=a; filename*=UTF-8''..%2Fx; filename=\"C:\\x.txt\"\n\n\n--AaB03x--"
        )

        #expect(try readForm([body]).map(\.header) == [.init(name: "a", filename: "C:\\x.txt", extendedFilename: "../x")])
    }

    @Test(arguments: [
        ("--AaB03x\n\(disposition)\n\nv\n--AaB03x", MultipartFormError.truncated),
        ("--AaB03x\n\(disposition)\n\nv", .truncated),
        ("--AaB03x\n\(disposition)\n", .truncated),
        ("", .truncated),
        ("no boundary at all", .truncated),
        ("--AaB03x -\n", .malformedBoundary),
        ("--AaB03x-x", .malformedBoundary),
        ("--AaB03x\n\n\n--AaB03x--", .malformedHeader),
        ("--AaB03x\nContent-Disposition: attachment; name=a\n\n\n--AaB03x--", .malformedHeader),
        ("--AaB03x\nContent-Disposition: form-data\n\n\n--AaB03x--", .malformedHeader),
        ("--AaB03x\nContent-Disposition: form-data; name=\"a\n\n\n--AaB03x--", .malformedHeader),
        ("--AaB03x\nContent-Disposition form-data\n\n\n--AaB03x--", .malformedHeader),
        ("--AaB03x\n\(disposition)\n folded\n\n\n--AaB03x--", .malformedHeader),
        ("--AaB03x\n\(disposition)\n\(disposition)\n\n\n--AaB03x--", .malformedHeader),
        ("--AaB03x\n\(disposition)\nContent-Transfer-Encoding: base64\n\n\n--AaB03x--", .unsupportedTransferEncoding),
    ])
    func whatIsWrongIsSaid(_ body: String, _ error: MultipartFormError) {
        #expect(throws: error) { try readForm([ByteBuffer(lines: body)]) }
    }

    @Test func linesThatEndInLineFeedOnlyAreRefused() {
        #expect(throws: MultipartFormError.malformedBoundary) {
            try readForm([ByteBuffer(string: "--AaB03x\n\(disposition)\n\nv\n--AaB03x--\n")])
        }
    }

    @Test(arguments: [1, 7, 4096])
    func aHeaderOfTheLargestSizePassesAndOneByteMoreDoesNot(chunkBytes: Int) throws {
        let fitting = "\(disposition)\r\nX: \(String(repeating: "x", count: 100))\r\n"
        let limits = MultipartFormParser.Limits(headerBytes: fitting.utf8.count)
        func outcome(_ header: String) -> ReadingOutcome {
            let body = ByteBuffer(string: "--AaB03x\r\n\(header)\r\n\r\n--AaB03x--")
            return ReadingOutcome(body.cut(into: chunkBytes), limits: limits)
        }

        #expect(outcome(fitting) == .parts([ReadPart(header: .init(name: "a"), bytes: ByteBuffer())]))
        #expect(outcome("Y" + fitting) == .failed(.headerTooLarge))
    }

    @Test func aFieldMayNotHaveMoreBytesThanTheLimit() {
        let body = ByteBuffer(lines: "--AaB03x\n\(disposition)\n\n12345\n--AaB03x--")

        #expect(ReadingOutcome([body], limits: .init(fieldBytes: 5)) != .failed(.fieldTooLarge(name: "a")))
        #expect(ReadingOutcome([body], limits: .init(fieldBytes: 4)) == .failed(.fieldTooLarge(name: "a")))
    }

    @Test func aFileIsNotBoundByTheLimitOfFields() throws {
        let body = ByteBuffer(lines: "--AaB03x\n\(disposition); filename=f\n\n12345\n--AaB03x--")

        #expect(try readForm([body], limits: .init(fieldBytes: 1)).map(\.bytes) == [ByteBuffer(string: "12345")])
    }

    @Test func moreThanTheLargestNumberOfPartsIsRefused() {
        let part = "--AaB03x\r\n\(disposition)\r\n\r\n\r\n"
        let body = ByteBuffer(string: String(repeating: part, count: 3) + "--AaB03x--")

        #expect(ReadingOutcome([body], limits: .init(parts: 3)) != .failed(.tooManyParts))
        #expect(ReadingOutcome([body], limits: .init(parts: 2)) == .failed(.tooManyParts))
    }
}

private let disposition = "Content-Disposition: form-data; name=\"a\""

extension ByteBuffer {
    func cut(into chunkBytes: Int) -> [ByteBuffer] {
        var rest = self
        var chunks: [ByteBuffer] = []
        while let chunk = rest.readSlice(length: min(chunkBytes, rest.readableBytes)), chunk.readableBytes > 0 {
            chunks.append(chunk)
        }
        return chunks
    }
}
