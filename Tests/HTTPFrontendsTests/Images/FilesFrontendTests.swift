// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import Testing

@testable import HTTPFrontends

struct FilesFrontendTests {
    @Test func anImageIsMadeToMeasure() async throws {
        let server = try await ImageFixture()

        let answer = try await server.get("/img/fit-in/600x0/filters:quality(80):format(png)/shop/photos/dog.png")

        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "image/png")
        #expect(answer.headers[.cacheControl] == "public, max-age=60")
        #expect(answer.headers[.vary] == nil)
    }

    @Test func withoutAFormatItIsWebPForWhoTakesIt() async throws {
        let server = try await ImageFixture()

        let answer = try await server.get("/img/400x300/smart/shop/cat.jpg", headers: [.accept: "image/avif,image/webp,*/*"])

        #expect(answer.headers[.contentType] == "image/webp")
        #expect(answer.headers[.vary] == "Accept")
    }

    @Test(arguments: ["/img/shop/photos/dog.png", "/raw/shop/photos/dog.png"])
    func withoutATransformItIsTheFile(path: String) async throws {
        let server = try await ImageFixture()

        let answer = try await server.get(path)
        let tag = try #require(answer.headers[.eTag])

        #expect(answer.body == "image photos/dog.png")
        #expect(answer.headers[.xContentTypeOptions] == "nosniff")
        #expect(try await server.get(path, headers: [.ifNoneMatch: tag]).status == 304)
        #expect(try await server.get(path, headers: [.range: "bytes=0-4"]).body == "image")
        #expect(try await server.get(path, headers: [.range: "bytes=0-1,3-4"]).status == 200)
        #expect(try await server.get(path, headers: [.range: "bytes=900-"]).status == 416)
        #expect(try await server.send(.head, path).headers[.contentLength] == "20")
    }

    @Test(
        arguments: [
            ("/img/5x5/vault/cat.jpg", 404, "file/not-found"), ("/img/5x5/nowhere/cat.jpg", 404, "file/not-found"),
            ("/img/5x5/shop/nothing", 404, "file/not-found"), ("/raw/vault/cat.jpg", 404, "file/not-found"),
            ("/img/5x5/shop/notes.txt", 415, "file/invalid-format"), ("/img/shop/notes.txt", 415, "file/invalid-format"),
            ("/img/filters:quality(0)/shop/cat.jpg", 400, "common/invalid-parameters"),
            ("/raw/shop", 400, "common/invalid-parameters"),
        ])
    func anErrorIsSaidInAllSpellings(path: String, status: Int, code: String) async throws {
        let server = try await ImageFixture()

        let answer = try await server.get(path)
        let body = try answer.object()

        #expect(answer.status == status)
        #expect(body["success"] as? Bool == false)
        #expect((body["error"] as? [String: Any])?["code"] as? String == code)
        #expect(body["statusCode"] as? Int == status)
        #expect(body["message"] as? String == (body["error"] as? [String: Any])?["message"] as? String)
        #expect(answer.headers[.cacheControl] == "no-store")
    }

    @Test func nothingIsWrittenHere() async throws {
        let server = try await ImageFixture()

        let answer = try await server.send(.delete, "/raw/shop/cat.jpg", token: server.service)

        #expect(answer.status == 405)
        #expect(answer.headers[.allow] == "GET, HEAD, PUT")
    }

    @Test func aPageAndADrawingCantRunScripts() async throws {
        let server = try await ImageFixture()
        try await server.put("<script>1</script>", "shop", "page.html", type: "text/html")
        try await server.put("<svg/>", "shop", "logo.svg", type: "image/svg+xml")

        #expect(try await server.get("/raw/shop/page.html").headers[.contentType] == "text/plain")
        #expect(try await server.get("/raw/shop/logo.svg").headers[.contentSecurityPolicy]?.contains("sandbox") == true)
    }

    @Test(arguments: ["image/SVG+xml", "image/svg+xml; charset=utf-8", "application/xhtml+xml", "text/xml", "Application/XML"])
    func noKindOfXMLCanRunScripts(_ type: String) async throws {
        let server = try await ImageFixture()
        try await server.put("<svg/>", "shop", "drawing", type: type)

        for path in ["/raw/shop/drawing", "/shop/drawing/original.auto", "/object/public/shop/drawing"] {
            let headers = try await server.get(path).headers
            #expect(headers[.contentSecurityPolicy]?.contains("sandbox") == true, "\(path)")
            #expect(headers[.xContentTypeOptions] == "nosniff", "\(path)")
        }
    }
}
