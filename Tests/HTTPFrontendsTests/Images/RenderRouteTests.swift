// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import MediaCore
import Testing

@testable import HTTPFrontends

struct RenderRouteTests {
    @Test(arguments: ["", "/storage/v1"])
    func aPublicImageIsRendered(mount: String) async throws {
        let server = try await ImageFixture()

        let answer = try await server.get(
            "\(mount)/render/image/public/shop/cat.jpg?width=100&height=80&resize=cover&format=webp")

        #expect(answer.status == 200)
        #expect(answer.body.contains("width=100;height=80"))
        #expect(answer.headers[.contentType] == "image/webp")
        #expect(answer.headers[.named("x-transformations")] == "height:80,width:100,resizing_type:fill,format:webp")
        #expect(answer.headers[.named("x-robots-tag")] == "none")
        #expect(answer.headers[.xContentTypeOptions] == "nosniff")
        #expect(answer.headers[.cacheControl] == "no-cache")
        #expect(answer.headers[.lastModified] != nil)
        #expect(answer.headers[.vary] == nil)
    }

    @Test func withoutAFormatTheReaderDecides() async throws {
        let server = try await ImageFixture()

        let old = try await server.get("/render/image/public/shop/cat.jpg?width=10")
        let new = try await server.get("/render/image/public/shop/cat.jpg?width=10", headers: [.accept: "image/webp,*/*"])

        #expect(old.headers[.contentType] == "image/jpeg")
        #expect(new.headers[.contentType] == "image/webp")
        #expect(old.headers[.vary] == "Accept" && new.headers[.vary] == "Accept")
        #expect(old.headers[.eTag] != new.headers[.eTag])
    }

    @Test func whereThereAreNoImagesThereIsNoRoute() async throws {
        let server = try await ImageFixture(processor: nil)

        let answer = try await server.get("/render/image/public/shop/cat.jpg?quality=1")

        #expect(answer.refusal == ["404", "404", "Not Found"])
        #expect(answer.message == "Route GET:/render/image/public/shop/cat.jpg?quality=1 not found")
    }

    @Test func aPrivateImageNeedsAToken() async throws {
        let server = try await ImageFixture()
        let target = "/render/image/authenticated/vault/cat.jpg?width=5"

        #expect(try await server.get(target, token: server.service).status == 200)
        #expect(try await server.get(target).status == 400)
        #expect(try await server.get("/render/image/public/vault/cat.jpg?width=5").refusal == ["400", "404", "Bucket not found"])
    }

    @Test func aMissingImageIsAMissingObject() async throws {
        let server = try await ImageFixture()

        #expect(try await server.get("/render/image/public/shop/nothing.jpg").refusal == ["400", "404", "not_found"])
    }

    @Test func whatIsNoImageIsSaidInTheReferencesWords() async throws {
        let server = try await ImageFixture()

        let answer = try await server.get("/render/image/public/shop/notes.txt?width=5")

        #expect(answer.refusal == ["400", "400", "InvalidRequest"])
        #expect(answer.message == "The source image is invalid or unsupported for rendering")
    }

    @Test func headSaysWhatGetWould() async throws {
        let server = try await ImageFixture()
        let target = "/render/image/public/shop/cat.jpg?width=9&format=png"

        let get = try await server.get(target)
        let head = try await server.send(.head, target)

        #expect(head.status == 200 && head.body.isEmpty)
        #expect(head.headers[.contentLength] == String(get.body.utf8.count))
        #expect(head.headers[.eTag] == get.headers[.eTag])
    }

    @Test func aDownloadIsSavedUnderAName() async throws {
        let server = try await ImageFixture()

        let answer = try await server.get("/render/image/public/shop/cat.jpg?width=9&download=small.jpg")

        #expect(answer.headers[.contentDisposition] == "attachment; filename=small.jpg; filename*=UTF-8''small.jpg")
    }

    // MARK: Signed

    private static func sign(_ server: ImageFixture, _ transform: String?) async throws -> String {
        let more = transform.map { #","transform":\#($0)"# } ?? ""
        let answer = try await server.send(.post, "/object/sign/vault/cat.jpg", json: #"{"expiresIn":60\#(more)}"#)
        return try answer.object()["signedURL"] as? String ?? answer.body
    }

    @Test func aSignedImageIsTheOneThatWasSigned() async throws {
        let server = try await ImageFixture()

        let url = try await Self.sign(server, #"{"width":70,"height":"60","resize":"contain","format":"png"}"#)
        let answer = try await server.get(url + "&width=1000&nonsense=1")

        #expect(url.hasPrefix("/render/image/sign/vault/cat.jpg?token="))
        #expect(answer.status == 200)
        #expect(answer.body.contains("width=70;height=60;fit=contain"))
        #expect(answer.headers[.contentType] == "image/png")
        #expect(answer.headers[.expires] != nil)
        #expect(answer.headers[.cacheControl] == nil)
    }

    @Test func aTokenOfAnImageGivesNotTheOriginal() async throws {
        let server = try await ImageFixture()

        let url = try await Self.sign(server, #"{"width":70}"#)
        let token = url.split(separator: "=").dropFirst().joined(separator: "=")

        for method in [HTTPRequest.Method.get, .head] {
            #expect(try await server.send(method, "/object/sign/vault/cat.jpg?token=\(token)").status == 400)
        }
        #expect(
            try await server.get("/render/image/sign/vault/plain?token=\(token)").refusal == ["400", "400", "InvalidSignature"])
    }

    @Test func aTokenOfTheObjectRendersNothingThatWasNotSigned() async throws {
        let server = try await ImageFixture()

        let url = try await Self.sign(server, nil)
        let token = url.split(separator: "=").dropFirst().joined(separator: "=")
        let answer = try await server.get("/render/image/sign/vault/cat.jpg?token=\(token)&width=3")

        #expect(url.hasPrefix("/object/sign/"))
        #expect(answer.status == 200)
        #expect(!answer.body.contains("width"))
    }

    @Test func anEmptyTransformSignsTheObject() async throws {
        let server = try await ImageFixture()

        #expect(try await Self.sign(server, "{}").hasPrefix("/object/sign/vault/cat.jpg?token="))
        #expect(try await Self.sign(server, "null").hasPrefix("/object/sign/vault/cat.jpg?token="))
    }

    @Test func aWrongTransformIsNotSigned() async throws {
        let server = try await ImageFixture()

        let answer = try await server.send(
            .post, "/object/sign/vault/cat.jpg", json: #"{"expiresIn":60,"transform":{"quality":500}}"#)

        #expect(answer.message == "body/transform/quality must be <= 100")
    }

    @Test func whereThereAreNoImagesATransformIsNotSigned() async throws {
        let server = try await ImageFixture(processor: nil)

        #expect(try await Self.sign(server, #"{"width":70}"#).hasPrefix("/object/sign/"))
    }
}
