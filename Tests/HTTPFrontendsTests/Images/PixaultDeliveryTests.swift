// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import HTTPTypes
import MediaCore
import Testing
import WireFormats

@testable import HTTPFrontends

struct PixaultDeliveryTests {
    @Test func anImageIsDeliveredForAMonth() async throws {
        let server = try await ImageFixture()

        let answer = try await server.get("/shop/img_01/w_400,h_300,q_70.webp")

        #expect(answer.status == 200)
        #expect(answer.body.hasPrefix("width=400;height=300;enlarge=1;quality=70;format=webp"))
        #expect(answer.headers[.contentType] == "image/webp")
        #expect(answer.headers[.cacheControl] == "public, max-age=2592000, immutable")
        #expect(answer.headers[.named("x-pixault-cache")] == "MISS")
        #expect(answer.headers[.eTag] != nil)
        #expect(answer.headers[.vary] == nil)
    }

    @Test(
        arguments: [
            "/shop/w_5/cat.jpg", "/shop/w_5/cat.jpg.jpg", "/shop/cat.jpg/w_5.jpg", "/shop/w_5/plain.jpg",
            "/shop/w_5/photos/dog.png",
            "/shop/photos/dog.png/w_5.png", "/shop/photos/dog.png", "/shop/plain.webp", "/shop/img_01/w_5", "/shop/img_01.auto",
        ])
    func anAssetIsAnObjectsKey(path: String) async throws {
        let server = try await ImageFixture()

        #expect(try await server.get(path).status == 200)
    }

    @Test func autoIsWhatTheReaderAccepts() async throws {
        let server = try await ImageFixture()

        let answer = try await server.get("/shop/img_01/w_5,h_5.auto", headers: [.accept: "image/avif"])

        #expect(answer.headers[.contentType] == "image/avif")
        #expect(answer.headers[.vary] == "Accept")
    }

    @Test func nobodyLearnsWhatIsHidden() async throws {
        let server = try await ImageFixture()

        let hidden = try await server.get("/vault/img_01/w_5.webp")
        let nowhere = try await server.get("/nowhere/img_01/w_5.webp")

        #expect(hidden.status == 404 && nowhere.status == 404)
        #expect(try hidden.object()["detail"] as? String == "There is no asset 'img_01' in the project 'vault'")
        #expect(hidden.headers[.contentType] == "application/problem+json")
        #expect(hidden.headers[.cacheControl] == "no-store")
        #expect(try hidden.object()["error"] as? String == hidden.object()["detail"] as? String)
        #expect(try hidden.object()["type"] as? String == "https://httpstatuses.io/404")
    }

    @Test(
        arguments: [
            ("/shop/img_01/w_9999.webp", 400), ("/shop/img_01/w_5,foo.webp", 400), ("/shop/img_01/t_missing,w_5.webp", 404),
            ("/shop/img_01/filter_sepia.webp", 400), ("/shop/notes.txt/w_5.webp", 415), ("/shop/img_01/video.mp4", 404),
        ])
    func whatCantBeDoneIsSaid(path: String, status: Int) async throws {
        let server = try await ImageFixture()

        #expect(try await server.get(path).status == status)
    }

    @Test func othersPathsAreLeftAlone() async throws {
        let server = try await ImageFixture()

        #expect(try await server.get("/shop/readme").headers[.server] == "nobody")
        #expect(try await server.send(.post, "/shop/img_01/w_5.webp").headers[.server] == "nobody")
        let without = try await ImageFixture(processor: nil)
        #expect(try await without.get("/shop/img_01/w_5.webp").headers[.server] == "nobody")
    }

    @Test func anOriginalIsTheFileItself() async throws {
        let server = try await ImageFixture()

        let own = try await server.get("/shop/cat.jpg/original.jpg")
        let auto = try await server.get("/shop/cat.jpg/original.auto", headers: [.range: "bytes=0-4"])
        let other = try await server.get("/shop/cat.jpg/original.webp")

        #expect(own.body == "image cat.jpg")
        #expect(auto.status == 206 && auto.body == "image")
        #expect(other.body == "format=webp")
    }

    @Test func aProjectMayHaveItsOriginalsSignedFor() async throws {
        let server = try await ImageFixture()
        let caller = Caller(
            principal: try server.storage.authenticator.principal(token: server.service),
            facts: RequestFacts(operation: .upkeep))
        let secret = try #require(server.storage.originalsSigning)
        let hex = try await secret.enable(for: BucketID(stored: "shop"), as: caller)
        let key = SymmetricKey(data: try #require(Hexadecimal.decode(hex, count: 32)))
        let end = Timestamp.now().seconds + 60
        func sign(_ text: String) -> String {
            Hexadecimal.encode(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
        }
        let sig = sign("shop/cat.jpg/original.jpg?exp=\(end)")

        let good = try await server.get("/shop/cat.jpg/original.jpg?sig=\(sig)&exp=\(end)")

        #expect(good.status == 200 && good.body == "image cat.jpg")
        #expect(good.headers[.cacheControl] == "private, no-store")
        #expect(try await server.get("/shop/cat.jpg/original.jpg").status == 403)
        #expect(try await server.get("/shop/cat.jpg/original.webp").status == 403)
        #expect(try await server.get("/shop/cat.jpg/original.jpg?sig=\(sig)&exp=\(end + 1)").status == 403)
        #expect(try await server.get("/shop/plain/original.jpg?sig=\(sig)&exp=\(end)").status == 403)
        #expect(try await server.get("/shop/nothing/original.jpg").status == 404)
        #expect(try await server.get("/raw/shop/cat.jpg").status == 403)
        #expect(try await server.get("/img/shop/cat.jpg").status == 403)
        #expect(try await server.get("/object/public/shop/cat.jpg").status == 400)
        #expect(try await server.get("/shop/cat.jpg/w_5.jpg").status == 200)
        #expect(try await server.get("/shop/cat.jpg/embed").status == 200)
    }

    @Test func aPageToEmbedIsOfAnAssetThatIsThere() async throws {
        let server = try await ImageFixture()

        let page = try await server.get("/shop/cat.jpg/embed?alt=Cat")
        #expect(page.headers[.cacheControl] == "public, max-age=3600")

        #expect(page.status == 200)
        #expect(page.headers[.contentType] == "text/html; charset=utf-8")
        #expect(page.body.contains("https://img.example/shop/w_1200/cat.jpg.jpg"))
        #expect(try await server.get("/shop/nothing/embed").status == 404)
        #expect(try await server.get("/vault/cat.jpg/embed").status == 404)
        #expect(try await server.get("/shop/cat.jpg/embed?widths=x").status == 400)
    }
}
