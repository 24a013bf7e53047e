// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import MediaTesting
import Testing

@testable import HTTPFrontends

struct ImageURLTests {
    @Test(
        arguments: [
            ("fit-in/600x400/b/k.jpg", "width=600;height=400;fit=contain"), ("fit-in/600x0/b/k", "width=600;fit=contain"),
            ("0x400/b/k", "height=400"), ("400x300/smart/b/k", "width=400;height=300;gravity=attention"),
            ("400x300/b/k", "width=400;height=300"),
            ("filters:quality(80):format(webp)/b/k", "quality=80;format=webp"), ("filters:format(JPG)/b/k", "format=jpeg"),
            ("filters:blur(10)/b/k", "blur=10"), ("filters:blur(10,2.5)/b/k", "blur=2.5"), ("filters:blur(0)/b/k", ""),
            ("filters:quality(1):quality(99)/b/k", "quality=99"), ("0x0/b/k", ""), ("b/k", ""),
            ("fit-in/5x5/filters:quality%2880%29/b/k", "width=5;height=5;fit=contain;quality=80"),
        ])
    func aUrlIsATransform(path: String, text: String) throws {
        let url = try ImageURL(path[...])

        #expect(url.request.transform.description == text)
        #expect(url.bucket == "b")
        #expect(url.isOriginal == text.isEmpty)
    }

    @Test(
        arguments: [
            ("b/a/b%20c.jpg", "a/b c.jpg"), ("b//x", "/x"), ("b/a%2Fb", "a/b"), ("5x5/b/smart/x", "smart/x"),
            ("b/filters:x", "filters:x"),
            ("b/k/", "k/"), ("b/5x5", "5x5"),
        ])
    func theKeyIsTheRest(path: String, key: String) throws {
        #expect(try ImageURL(path[...]).key == key)
    }

    @Test(
        arguments: [
            ("", "path"), ("b", "path"), ("b/", "path"), ("/k", "path"), ("b/%zz", "path"), ("%FF/k", "path"),
            ("fit-in/b/k", "fit-in"),
            ("fit-in", "fit-in"), ("fit-in/5/b/k", "fit-in"), ("4097x1/b/k", "size"), ("99999999999999999999x1/b/k", "size"),
            ("5x5/smart", "path"), ("filters:/b/k", "filters"), ("filters:grayscale()/b/k", "filters"),
            ("filters:quality/b/k", "filters"),
            ("filters:quality(0)/b/k", "quality"), ("filters:quality(101)/b/k", "quality"),
            ("filters:quality(+5)/b/k", "quality"),
            ("filters:quality(8.5)/b/k", "quality"), ("filters:format(bmp)/b/k", "format"), ("filters:format(svg)/b/k", "format"),
            ("filters:blur(151)/b/k", "blur"), ("filters:blur(-1)/b/k", "blur"), ("filters:blur(1,2,3)/b/k", "blur"),
            ("filters:blur(x,2)/b/k", "blur"), ("filters:blur(2,)/b/k", "blur"), ("filters:quality(5)x/b/k", "filters"),
        ])
    func aWrongPartIsRefusedByItsName(path: String, name: String) {
        let error = #expect(throws: FilesProblem.self) { try ImageURL(path[...]) }

        #expect(error?.status == .badRequest)
        #expect(error?.message.hasPrefix(name + " ") == true, "\(error?.message ?? "")")
    }

    @Test func everyUrlReadsBackFromItsCanonicalForm() throws {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<4_000 {
            let text = Self.random(&generator)
            let url = try ImageURL(text[...])

            #expect(try ImageURL(url.description[...]) == url, "\(text) \(url)")
        }
    }

    @Test func whatIsNoUrlIsRefusedByTheNameOfAPart() {
        var generator = SeededGenerator(seed: 22)
        let parts = ["path ", "fit-in ", "size ", "filters ", "quality ", "format ", "blur "]
        var refused = 0
        for _ in 0..<10_000 {
            let text = Mutation.of(Self.random(&generator), using: &generator)
            do {
                let url = try ImageURL(text[...])
                #expect(url.bucket != "" && url.key != "")
            } catch {
                refused += 1
                #expect(parts.contains { error.message.hasPrefix($0) }, "\(text): \(error.message)")
            }
        }
        #expect(refused > 1_000)
    }

    private static func random(_ generator: inout SeededGenerator) -> String {
        let boxes = ["", "fit-in/600x400/", "fit-in/0x0/", "fit-in/0x9/", "4096x1/", "10x10/smart/", "0x5/smart/"]
        let filters = [
            "quality(1)", "quality(100)", "format(webp)", "format(jpg)", "format(jxl)", "blur(1.5)", "blur(3,0)",
            "blur(150,0.001)",
        ]
        let keys = ["b/k.jpg", "my%20b/a/b%2Fc.png", "b/%C3%BC%20x", "b//k/", "b/100x100", "b/fit-in"]
        var chosen = filters.filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }
        chosen.shuffle(using: &generator)
        return (boxes.randomElement(using: &generator) ?? "")
            + (chosen.isEmpty ? "" : "filters:" + chosen.joined(separator: ":") + "/")
            + (keys.randomElement(using: &generator) ?? "")
    }
}
