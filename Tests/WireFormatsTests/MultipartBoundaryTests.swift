// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing
import WireFormats

@Suite struct MultipartBoundaryTests {
    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"),
        ("Multipart/Form-Data;charset=utf-8;Boundary=\"a b:c\"", "a b:c"),
        ("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", "----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        ("multipart/form-data; boundary=a=b/c ; x=y", "a=b/c"),
    ])
    func theBoundaryIsTakenFromTheContentType(_ type: String, _ boundary: String) throws {
        #expect(try MultipartBoundary(contentType: type).rawValue == boundary)
    }

    @Test(arguments: [
        "", "multipart/form-data", "multipart/mixed; boundary=a", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=a\u{7}", "multipart/form-data; boundary=é",
        "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=\(String(repeating: "x", count: 71))",
    ])
    func aContentTypeWithoutAUsableBoundaryIsRefused(_ type: String) {
        #expect(throws: MultipartFormError.invalidContentType) { try MultipartBoundary(contentType: type) }
    }

    @Test func seventyBytesAreTheMost() throws {
        let longest = String(repeating: "x", count: 70)

        #expect(try MultipartBoundary(longest).rawValue == longest)
    }

    @Test(arguments: [("multipart/form-data", true), ("MULTIPART/FORM-DATA ; x", true), ("text/plain", false), ("", false)])
    func aFormIsKnownByItsContentType(_ type: String, _ isForm: Bool) {
        #expect(MultipartBoundary.isForm(contentType: type) == isForm)
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func whatIsAcceptedComesBackFromAQuotedContentType(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("abcXYZ019'()+_,-./:=? \"\\;\r\né")
        let text = String(
            (0..<Int.random(in: 0...80, using: &generator)).compactMap { _ in alphabet.randomElement(using: &generator) })

        if let boundary = try? MultipartBoundary(text) {
            #expect((try? MultipartBoundary(contentType: "multipart/form-data; boundary=\"\(text)\"")) == boundary)
        }
    }
}
