// SPDX-License-Identifier: Apache-2.0

import JWTKit
import MediaCore
import Testing

/// Keys made for each run; nothing here is a secret of anybody.
struct KeyRingTests {
    private static let secret = "a-secret-for-tests-of-32-characters"

    private struct Payload: JWTPayload {
        var role: String
        var sub: String?
        var exp: ExpirationClaim?
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    @Test func acceptsWhatItSigned() async throws {
        let keys = try await KeyRing(secret: Self.secret)

        let claims = try keys.verify(try keys.sign(JSONText(trusted: #"{"role":"authenticated","sub":"u1"}"#)))

        #expect(claims.role == "authenticated")
        #expect(claims.subject == "u1")
    }

    @Test func acceptsATokenOfAnotherLibrary() async throws {
        let keys = try await KeyRing(secret: Self.secret)
        let collection = JWTKeyCollection()
        await collection.add(hmac: HMACKey(stringLiteral: Self.secret), digestAlgorithm: .sha256)

        let token = try await collection.sign(Payload(role: "anon"))

        #expect(try keys.verify(token).role == "anon")
    }

    @Test func refusesAnotherSecretsToken() async throws {
        let keys = try await KeyRing(secret: Self.secret)
        let other = try await KeyRing(secret: Self.secret + "x")

        let token = try other.sign(JSONText(trusted: "{}"))

        #expect { try keys.verify(token) } throws: { ($0 as? StorageError)?.message == "signature verification failed" }
    }

    @Test func refusesEveryTokenWithOneByteChanged() async throws {
        let keys = try await KeyRing(secret: Self.secret)
        let token = Array(try keys.sign(JSONText(trusted: #"{"role":"service_role"}"#)).utf8)

        for index in token.indices where token[index] != UInt8(ascii: ".") {
            var changed = token
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            // The last character of a part may carry bits that base64 ignores; the decoded signature is then the same.
            guard index + 1 < token.count, token[index + 1] != UInt8(ascii: ".") else { continue }
            #expect(throws: StorageError.self) { try keys.verify(String(decoding: changed, as: UTF8.self)) }
        }
    }

    @Test(arguments: ["", "a.b.c", "..", "a.b", String(repeating: "x", count: 20_000), "e30.e30.", "bnVsbA.bnVsbA.AA"])
    func refusesWhatIsNoToken(token: String) async throws {
        let keys = try await KeyRing(secret: Self.secret)

        #expect { try keys.verify(token) } throws: { ($0 as? StorageError)?.code == .unauthenticated }
    }

    @Test func refusesATokenWithoutAlgorithm() async throws {
        let keys = try await KeyRing(secret: Self.secret)
        let token = Base64URL.encode(#"{"alg":"none"}"#.utf8) + "." + Base64URL.encode(#"{"role":"service_role"}"#.utf8) + "."

        #expect(throws: StorageError.self) { try keys.verify(token) }
    }

    @Test func datesAreChecked() async throws {
        let keys = try await KeyRing(secret: Self.secret)
        let token = try keys.sign(JSONText(trusted: #"{"exp":2000,"nbf":1000}"#))

        #expect(throws: Never.self) { try keys.verify(token, at: Timestamp(seconds: 1500)) }
        #expect(throws: StorageError.self) { try keys.verify(token, at: Timestamp(seconds: 2000)) }
        #expect(throws: StorageError.self) { try keys.verify(token, at: Timestamp(seconds: 999)) }
    }

    @Test func aDateThatIsNoNumberIsRefused() async throws {
        let keys = try await KeyRing(secret: Self.secret)

        #expect(throws: StorageError.self) { try keys.verify(try keys.sign(JSONText(trusted: #"{"exp":"never"}"#))) }
    }

    @Test func theKeySetsPublicKeysVerify() async throws {
        let ecdsa = ES256PrivateKey()
        let parameters = try #require(ecdsa.parameters)
        func url(_ text: String) -> String { text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "") }
        let jwks = """
            {"keys":[{"kty":"EC","crv":"P-256","kid":"k1","alg":"ES256","use":"sig","key_ops":["verify"],
            "x":"\(url(parameters.x))","y":"\(url(parameters.y))"}]}
            """
        let keys = try await KeyRing(secret: Self.secret, jwks: jwks)
        let collection = JWTKeyCollection()
        await collection.add(ecdsa: ecdsa, kid: "k1")

        let token = try await collection.sign(Payload(role: "authenticated", sub: "u2"), kid: "k1")

        #expect(try keys.verify(token).subject == "u2")
    }

    @Test func aTokenOfAnUnknownKeyIsRefused() async throws {
        let keys = try await KeyRing(secret: Self.secret, jwks: #"{"keys":[]}"#)
        let collection = JWTKeyCollection()
        await collection.add(ecdsa: ES256PrivateKey(), kid: "k9")

        let token = try await collection.sign(Payload(role: "service_role"), kid: "k9")

        #expect(throws: StorageError.self) { try keys.verify(token) }
    }

    @Test func aURLSigningKeyOfTheSetSigns() async throws {
        let secret = Base64URL.encode("another-secret-for-signing-urls!".utf8)
        let jwks = #"{"keys":[],"urlSigningKey":{"kty":"oct","kid":"url1","alg":"HS256","k":"\#(secret)"}}"#
        let keys = try await KeyRing(secret: Self.secret, jwks: jwks)

        let token = try keys.sign(JSONText(trusted: #"{"url":"b/k"}"#))

        #expect(try keys.verify(token).url == "b/k")
        let plain = try await KeyRing(secret: Self.secret)
        #expect(throws: StorageError.self) { try plain.verify(token) }
    }

    @Test func anAlgorithmThatAKeyIsNotForIsRefused() async throws {
        let long = String(repeating: "another-secret-for-signing-urls!", count: 2)
        let jwks = #"{"keys":[{"kty":"oct","kid":"k1","alg":"HS512","k":"\#(Base64URL.encode(long.utf8))"}]}"#
        let keys = try await KeyRing(secret: Self.secret, jwks: jwks)
        let collection = JWTKeyCollection()
        await collection.add(hmac: HMACKey(stringLiteral: long), digestAlgorithm: .sha256, kid: "k1")

        let token = try await collection.sign(Payload(role: "anon"), kid: "k1")

        #expect { try keys.verify(token) } throws: {
            ($0 as? StorageError)?.message == "JWT algorithm \"HS256\" does not match JWK algorithm \"HS512\""
        }
    }

    @Test(arguments: [
        "[]", "{}", #"{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}"#, #"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#,
    ])
    func refusesAKeySetThatCannotBeUsed(jwks: String) async {
        await #expect(throws: StorageError.self) { try await KeyRing(secret: Self.secret, jwks: jwks) }
    }

    @Test func refusesASecretThatIsTooShort() async {
        await #expect(throws: StorageError.self) { try await KeyRing(secret: String(repeating: "x", count: 31)) }
        await #expect(throws: StorageError.self) {
            try await KeyRing(secret: String(repeating: "x", count: 63), algorithm: "HS512")
        }
    }
}
