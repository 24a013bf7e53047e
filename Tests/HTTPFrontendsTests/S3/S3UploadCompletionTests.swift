// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import MediaTesting
import NIOCore
import Testing
import WireFormats

@testable import HTTPFrontends

/// What a client hears while an object is made of its parts.
struct S3UploadCompletionTests {
    @Test func aCompletionThatIsOverSoonHasItsOwnStatus() async throws {
        let fixture = try await S3Fixture()
        let (target, document) = try await fixture.beginUpload()
        let wrong = document.replacing("<PartNumber>1<", with: "<PartNumber>2<")

        let refused = try await fixture.call(.post, target, body: wrong)
        let made = try await fixture.call(.post, target, body: document)

        #expect(refused.status == 400 && refused.code == "InvalidPart")
        #expect(made.status == 200 && made.body.hasPrefix(XMLWriter.declaration + "<CompleteMultipartUploadResult"))
    }

    @Test func aSlowCompletionSendsWhiteSpaceUntilItsDocument() async throws {
        let gate = Gate()
        let fixture = try await S3Fixture(silence: .milliseconds(5)) { call in
            if call == .completeMultipart { await gate.wait() }
        }
        let (target, document) = try await fixture.beginUpload()

        let (early, rest) = try await send(document, to: target, fixture, until: { $0.hasSuffix("1\r\n \r\n") }) {
            await gate.open()
        }

        #expect(early.statuses == [200] && early.text.lowercased().contains("transfer-encoding: chunked"))
        let body = Self.unchunked(early.text + rest.text)
        #expect(body.hasPrefix(XMLWriter.declaration + " "))
        let tree = try XMLTree(parsing: .init(string: body), limits: .init(bytes: 1 << 20))
        #expect(tree.name == "CompleteMultipartUploadResult" && tree["Key"]?.text == "key")
        #expect(tree["ETag"]?.text.hasSuffix("-1\"") == true)
        #expect(try await fixture.call(.get, "/s3/box/key").body == "the bytes")
    }

    @Test func aSlowCompletionThatFailsEndsWithTheDocumentOfAnError() async throws {
        let gate = Gate()
        let fixture = try await S3Fixture(silence: .milliseconds(5)) { call in
            if call == .completeMultipart { await gate.wait() }
        }
        let (target, document) = try await fixture.beginUpload()
        fixture.blobs.fail(.completeMultipart, times: 1, at: .after)

        let (early, rest) = try await send(document, to: target, fixture, until: { $0.hasSuffix("1\r\n \r\n") }) {
            await gate.open()
        }

        #expect(early.statuses == [200])
        let tree = try XMLTree(parsing: .init(string: Self.unchunked(early.text + rest.text)), limits: .init(bytes: 1 << 20))
        #expect(tree.name == "Error" && tree["Code"]?.text == "SlowDown")
        #expect(try await fixture.call(.get, "/s3/box/key").status == 404)
        // As clients do with such an answer.
        #expect(try await fixture.call(.post, target, body: document).status == 200)
    }

    @Test func aCompletionThatIsAskedForAgainIsAnsweredAsTheFirstTime() async throws {
        let fixture = try await S3Fixture()
        let (target, document) = try await fixture.beginUpload()
        let first = try await fixture.call(.post, target, body: document)

        let again = try await fixture.call(.post, target, body: document)

        #expect(first.status == 200 && again.status == 200 && again.body == first.body)
        #expect(fixture.blobs.count(of: .completeMultipart) == 1)
    }

    @Test func aClientThatAsksAgainMeanwhileGetsTheResultOfTheFirst() async throws {
        let gate = Gate()
        let fixture = try await S3Fixture(silence: .milliseconds(5)) { call in
            if call == .completeMultipart { await gate.wait() }
        }
        let (target, document) = try await fixture.beginUpload()
        let first = Task { try await fixture.call(.post, target, body: document) }
        await gate.isReached()

        let (early, rest) = try await send(document, to: target, fixture, until: { $0.hasSuffix("1\r\n \r\n") }) {
            await gate.open()
        }

        let answer = try await first.value
        func tree(_ text: String) throws -> XMLTree {
            try XMLTree(parsing: .init(string: text), limits: .init(bytes: 1 << 20))
        }
        let mine = try tree(Self.unchunked(early.text + rest.text))
        let theirs = try answer.document()
        #expect(mine.name == "CompleteMultipartUploadResult" && mine == theirs)
        #expect(fixture.blobs.count(of: .completeMultipart) == 1)
    }

    /// Sends a completion over a connection of its own, calls `then` once the client has read what is `enough`, and reads on.
    private func send(
        _ document: String, to target: String, _ fixture: S3Fixture, until enough: @escaping @Sendable (String) -> Bool,
        then: @escaping @Sendable () async -> Void
    ) async throws -> (RawConnection.Received, RawConnection.Received) {
        let server = LiveServer { request, context in await fixture.frontend.respond(to: request, context: context) }
        return try await server.run { running in
            try await RawConnection.with(port: running.port) { connection in
                let fields = try S3Fixture.signed(.post, target).map { "\($0.name.canonicalName): \($0.value)\r\n" }.joined()
                try await connection.send(
                    "POST \(target) HTTP/1.1\r\nhost: localhost\r\n\(fields)content-length: \(document.utf8.count)\r\n"
                        + "connection: close\r\n\r\n\(document)")
                let early = try await connection.receive(until: enough)
                await then()
                return (early, try await connection.receiveToEnd())
            }
        }
    }

    /// The content of a chunked response (RFC 9112 §7.1), which must be whole.
    private static func unchunked(_ response: String) -> String {
        guard let end = response.firstRange(of: "\r\n\r\n") else { return "" }
        var rest = Substring(response[end.upperBound...])
        var content = ""
        while let line = rest.firstRange(of: "\r\n"), let size = Int(rest[..<line.lowerBound], radix: 16) {
            guard size > 0 else { return content }
            let bytes = rest[line.upperBound...].utf8.prefix(size)
            content += String(decoding: bytes, as: UTF8.self)
            rest = rest[bytes.endIndex...].dropFirst("\r\n".count)
        }
        return "cut off: \(response)"
    }
}
