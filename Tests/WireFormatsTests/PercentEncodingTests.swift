// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing
import WireFormats

@Suite struct PercentEncodingTests {
    @Test(arguments: [
        ("", ""), ("a%20b", "a b"), ("a+b", "a+b"), ("%C3%A9/%2F", "é//"), ("%2525", "%25"), ("é", "é"), ("%00", "\0"),
    ])
    func pathsAreDecodedOnce(_ raw: String, _ text: String) {
        #expect(PercentEncoding.decode(raw) == text)
    }

    @Test(arguments: ["%", "%2", "%2G", "%G2", "a%", "%%20", "%FF", "%C3", "%C0%AF", "%ED%A0%80", "%+1", "%é"])
    func malformedEscapesAndBytesThatAreNoTextAreRefused(_ raw: String) {
        #expect(PercentEncoding.decode(raw) == nil)
    }

    @Test func componentsKeepUnreservedCharactersOnly() {
        let text = "aZ9-_.!~*'() /?#[]@:$&+,;=%é"

        #expect(
            PercentEncoding.encodeComponent(text) == "aZ9-_.%21~%2A%27%28%29%20%2F%3F%23%5B%5D%40%3A%24%26%2B%2C%3B%3D%25%C3%A9")
    }

    @Test func segmentsKeepWhatAPathMayHold() {
        #expect(PercentEncoding.encodePathSegment("a/b ?#%:@!$&'()*+,;=~") == "a%2Fb%20%3F%23%25:@!$&'()*+,;=~")
        #expect(PercentEncoding.encodePath("a/b c") == "a/b%20c")
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func everyTextComesBack(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let text = randomText(&generator)

        #expect(PercentEncoding.decode(PercentEncoding.encodeComponent(text)).map { Array($0.utf8) } == Array(text.utf8))
        #expect(PercentEncoding.decode(PercentEncoding.encodePathSegment(text)).map { Array($0.utf8) } == Array(text.utf8))
        #expect(PercentEncoding.decode(PercentEncoding.encodePath(text)).map { Array($0.utf8) } == Array(text.utf8))
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func whatIsDecodedEncodesToSomethingThatDecodesTheSame(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let raw = randomText(&generator, alphabet: Array("%%%0123456789abcdefABCDEFgz+/é"))

        if let text = PercentEncoding.decode(raw) {
            #expect(PercentEncoding.decode(PercentEncoding.encodeComponent(text)) == text)
        }
    }
}

@Suite struct QueryParametersTests {
    @Test func theFirstValueWins() throws {
        let query = try QueryParameters(parsing: "a=1&b=&c&a=2&d=x=y&e+f=g%20+h")

        #expect(query["a"] == "1")
        #expect(query["b"] == "")
        #expect(query["c"] == "")
        #expect(query["d"] == "x=y")
        #expect(query["e f"] == "g  h")
        #expect(query["z"] == nil)
        #expect(query.contains("c") && !query.contains("z"))
    }

    @Test func emptyPairsAreIgnored() throws {
        #expect(try QueryParameters(parsing: "&&a=1&").all == [.init(name: "a", value: "1")])
        #expect(try QueryParameters(parsing: "").all.isEmpty)
        #expect(try QueryParameters(parsing: nil as String?).all.isEmpty)
    }

    @Test(arguments: ["a=%", "%=a", "a=%FF", "a=1&b=%4"])
    func malformedEscapesAreRefused(_ raw: String) {
        #expect(throws: QueryError.malformedEncoding) { try QueryParameters(parsing: raw) }
    }

    @Test func moreParametersThanAnyRequestHasAreRefused() throws {
        #expect(try QueryParameters(parsing: String(repeating: "a&", count: 256)).all.count == 256)
        #expect(throws: QueryError.tooManyParameters) { try QueryParameters(parsing: String(repeating: "a&", count: 257)) }
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func everyListOfParametersComesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let sent = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
            QueryParameters.Parameter(name: "n" + randomText(&generator), value: randomText(&generator))
        }
        let raw = sent.map { PercentEncoding.encodeComponent($0.name) + "=" + PercentEncoding.encodeComponent($0.value) }

        #expect(try QueryParameters(parsing: raw.joined(separator: "&")).all == sent)
    }
}

func randomText(
    _ generator: inout SeededGenerator, alphabet: [Character] = Array("ab/?#%&=+ .~\"\\\u{0}\u{7F}éß\u{1F600}\u{301}")
) -> String {
    String((0..<Int.random(in: 0...24, using: &generator)).compactMap { _ in alphabet.randomElement(using: &generator) })
}
