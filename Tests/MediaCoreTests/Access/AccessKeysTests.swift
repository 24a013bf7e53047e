// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

struct AccessKeysTests {
    private let store = InMemoryMetadataStore()
    private let server = AccessCredential(
        id: AccessKeyID("SERVER"), secret: "of the server", principal: CoreFixture.service.principal)
    private static let claims = JSONText(trusted: #"{"role":"authenticated","sub":"alice","team":7}"#)

    private func keys(_ byte: UInt8 = 1) -> AccessKeys {
        AccessKeys(
            AccessKeys.Configuration(masterKey: Array(repeating: byte, count: 32), server: server), store: store)
    }

    @Test func aKeyIsWhomItsClaimsSay() async throws {
        let made = try await keys().create(claims: Self.claims, description: "for tests")
        let found = try await keys().credential(made.id)

        #expect(found == made && found.secret.count == 40)
        #expect(found.principal.role == "authenticated" && found.principal.subject == "alice")
        #expect(found.principal.claims == Self.claims)
        #expect(try await keys().create(claims: .emptyObject, description: "").principal.role == "anon")
    }

    @Test func secretsAreSealedAndNeverDescribed() async throws {
        let made = try await keys().create(claims: Self.claims, description: "")
        let stored = try #require(try await store.accessKey(made.id))

        #expect(!stored.sealedSecret.contains(made.secret) && !"\(made)".contains(made.secret))
        #expect(await errorCode { _ = try await keys(2).credential(made.id) } == .notConfigured)
    }

    @Test func aSecretDoesNotOpenUnderAnotherID() async throws {
        let made = try await keys().create(claims: Self.claims, description: "")
        var copy = try #require(try await store.accessKey(made.id))
        copy.id = AccessKeyID("OTHER")
        try await store.insertAccessKey(copy)

        #expect(await errorCode { _ = try await keys().credential(copy.id) } == .notConfigured)
    }

    @Test func theServersOwnPairIsTheService() async throws {
        #expect(try await keys().credential(AccessKeyID("SERVER")) == server)
        #expect(await errorCode { _ = try await keys().credential(AccessKeyID("NONE")) } == .unauthenticated)
    }

    @Test func aRevokedKeyOpensNothingAtOnce() async throws {
        let keys = keys()
        let made = try await keys.create(claims: Self.claims, description: "")
        _ = try await keys.credential(made.id)

        #expect(try await keys.revoke(made.id))
        #expect(await errorCode { _ = try await keys.credential(made.id) } == .unauthenticated)
        #expect(try await !keys.revoke(made.id))
    }

    @Test func aRevocationElsewhereCountsOnceItIsKnownOrHalfAMinuteLater() async throws {
        let keys = keys()
        let (announced, missed) = (
            try await keys.create(claims: Self.claims, description: ""),
            try await keys.create(claims: Self.claims, description: "")
        )
        let now = Timestamp.now()
        for key in [announced, missed] {
            _ = try await keys.credential(key.id, at: now)
            _ = try await store.revokeAccessKey(key.id)
            _ = try await keys.credential(key.id, at: now)
        }

        keys.apply(.accessKey(announced.id))
        #expect(await errorCode { _ = try await keys.credential(announced.id, at: now) } == .unauthenticated)
        #expect(try await keys.credential(missed.id, at: now.adding(seconds: 29)) == missed)
        #expect(await errorCode { _ = try await keys.credential(missed.id, at: now.adding(seconds: 31)) } == .unauthenticated)
    }

    @Test(arguments: ["", "[]", "\"role\"", #"{"role":5}"#, #"{"sub":["a"]}"#])
    func claimsThatAreNoneAreRefused(claims: String) async {
        let code = await errorCode { _ = try await keys().create(claims: JSONText(trusted: claims), description: "") }
        #expect(code == .invalidRequest)
    }
}
