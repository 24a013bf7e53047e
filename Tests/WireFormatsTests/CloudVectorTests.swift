// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WireFormats

/// Signatures as Microsoft's and Google's own clients made them: `Tests/Support/make_cloud_vectors.py`.
struct CloudVectorTests {
    private struct Azure: Decodable {
        struct Request: Decodable {
            var method: String
            var path: String
            var query: String
            var fields: [String: String]
            var authorization: String
        }
        struct Signature: Decodable {
            var blob: String
            var permissions: String
            var `protocol`: String
            var content_type: String?
            var content_disposition: String?
            var cache_control: String?
            var query: String
        }
        var account: String
        var key: String
        var requests: [Request]
        var signatures: [Signature]
    }

    private struct Google: Decodable {
        struct URL: Decodable {
            var method: String
            var path: String
            var fields: [String: String]
            var parameters: [String: String]
            var text: String
            var url: String
        }
        var account: String
        var urls: [URL]
    }

    private static func read<Vectors: Decodable>(_ name: String, _ type: Vectors.Type) throws -> Vectors {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Vectors/\(name).json")
        return try JSONDecoder().decode(type, from: try Data(contentsOf: file))
    }

    @Test func requestsAreSignedAsMicrosoftsClientSignsThem() throws {
        let vectors = try Self.read("azure", Azure.self)
        let key = try #require(SharedKey(account: vectors.account, base64Key: vectors.key))
        #expect(vectors.requests.count >= 11)
        for request in vectors.requests {
            let head = RequestHead(
                method: request.method, path: request.path, query: request.query.isEmpty ? nil : request.query,
                fields: request.fields.map { NamedValue($0.key, $0.value) })
            #expect(
                try key.authorization(for: head) == request.authorization, "\(request.method) \(request.path)?\(request.query)")
        }
    }

    @Test func accessIsSignedAsMicrosoftsClientSignsIt() throws {
        let vectors = try Self.read("azure", Azure.self)
        let key = try #require(SharedKey(account: vectors.account, base64Key: vectors.key))
        let expires = try #require(SigningTime(extended: "2026-11-21T13:00:00Z"))
        #expect(vectors.signatures.count >= 3)
        for vector in vectors.signatures {
            var signature = BlobAccessSignature(
                permissions: vector.permissions, container: "photos", blob: vector.blob, expires: expires,
                isSecureOnly: vector.protocol == "https")
            signature.contentType = vector.content_type
            signature.contentDisposition = vector.content_disposition
            signature.cacheControl = vector.cache_control
            let ours = try QueryParameters(parsing: signature.query(signedBy: key))
            let theirs = try QueryParameters(parsing: vector.query)
            #expect(Set(ours.all) == Set(theirs.all))
        }
    }

    @Test func urlsAreSignedAsGooglesClientSignsThem() throws {
        let vectors = try Self.read("google", Google.self)
        let time = try #require(SigningTime(basic: "20261121T120000Z"))
        #expect(vectors.urls.count >= 3)
        for vector in vectors.urls {
            let request = GoogleSignedURL(
                method: vector.method, path: vector.path,
                fields: vector.fields.map { NamedValue($0.key, $0.value) } + [NamedValue("host", "storage.googleapis.com")],
                parameters: vector.parameters.map { .init(name: $0.key, value: $0.value) }, account: vectors.account, time: time,
                expires: 900)
            #expect(request.textToSign == vector.text)
            let signature = Checksum.of(Array(vector.text.utf8), .sha256).bytes
            let theirs = try QueryParameters(parsing: vector.url.split(separator: "?", maxSplits: 1).last)
            let ours = try QueryParameters(parsing: request.query(signature: signature))
            #expect(Set(ours.all) == Set(theirs.all))
        }
    }

    @Test func aKeyThatIsNoBase64IsRefused() {
        #expect(SharedKey(account: "a", base64Key: "not base64!") == nil)
        #expect(SharedKey(account: "", base64Key: "YQ==") == nil)
        #expect(SharedKey(account: "a", base64Key: "") == nil)
    }

    @Test func secretsDoNotShow() throws {
        let key = try #require(SharedKey(account: "photos", base64Key: "c2VjcmV0IQ=="))
        #expect("\(key)" == "SharedKey(photos)")
        #expect(!String(reflecting: key).contains("c2Vj"))
    }
}
