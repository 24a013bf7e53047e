// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

struct ProjectsTests {
    private static let facts = CoreFixture.facts

    private func create(
        _ core: CoreFixture, _ name: String = "shop", plan: Plan.Name = .unlimited, owner: String? = nil
    ) async throws -> ProjectSecrets {
        try await core.storage.projects.create(.init(name: name, plan: plan, owner: owner)).secrets
    }

    private func code(_ body: () async throws -> Void) async -> StorageError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? StorageError)?.code
        }
    }

    // MARK: Keys

    @Test func aPairASingleKeyAndTheSecretKeyStandForTheProject() async throws {
        let core = try await CoreFixture()
        let projects = core.storage.projects
        let secrets = try await create(core)

        for principal in [
            try await projects.principal(clientID: secrets.clientID, secret: secrets.clientSecret),
            try await projects.principal(apiKey: secrets.clientSecret), try await projects.principal(apiKey: secrets.secretKey),
        ] {
            #expect(principal.role == ProjectScope.role && principal.subject == nil && principal.token.isEmpty)
            #expect(principal.scope?.projects == [BucketID(stored: "shop")])
            let claims = try #require(
                try JSONSerialization.jsonObject(with: Data(principal.claims.rawValue.utf8)) as? [String: Any])
            #expect(claims["role"] as? String == "magpie_project" && claims["projects"] as? [String] == ["shop"])
            #expect(claims["sub"] is NSNull && claims["key_id"] as? String == principal.scope?.keyID)
        }
    }

    @Test func whatIsNotTheKeyOpensNothing() async throws {
        let core = try await CoreFixture()
        let projects = core.storage.projects
        let (shop, blog) = (try await create(core), try await create(core, "blog"))

        for key in ["", "pk_", shop.clientID, shop.publishableKey, shop.clientSecret + "0", String(repeating: "x", count: 300)] {
            #expect(await code { _ = try await projects.principal(apiKey: key) } == .unauthenticated, "\(key)")
        }
        for (id, secret) in [
            (shop.clientID, blog.clientSecret), (blog.clientID, shop.clientSecret), (shop.clientID, ""), ("", shop.clientSecret),
            (shop.clientID, shop.secretKey),
        ] {
            #expect(await code { _ = try await projects.principal(clientID: id, secret: secret) } == .unauthenticated)
        }
    }

    @Test func aRevokedKeyOpensNothingFromThenOn() async throws {
        let core = try await CoreFixture()
        let projects = core.storage.projects
        let secrets = try await create(core)
        _ = try await projects.principal(apiKey: secrets.clientSecret)

        #expect(try await projects.revokeKey(secrets.clientID, of: "shop"))

        #expect(await code { _ = try await projects.principal(apiKey: secrets.clientSecret) } == .unauthenticated)
        #expect(try await !projects.revokeKey(secrets.clientID, of: "shop"))
    }

    @Test func aRevocationElsewhereIsFollowed() async throws {
        let core = try await CoreFixture()
        let secrets = try await create(core)
        let id = try await core.storage.projects.credential(secrets.clientSecret).id
        let elsewhere = Projects(metadata: core.metadata)

        #expect(try await elsewhere.revokeKey(id.rawValue, of: "shop"))
        _ = try await core.storage.projects.principal(apiKey: secrets.clientSecret)
        core.storage.apply(.projectKey(id))

        #expect(await code { _ = try await core.storage.projects.principal(apiKey: secrets.clientSecret) } == .unauthenticated)
    }

    @Test func aKeyIsRefusedOtherProjectsAndToldOfNoneThatIsMissing() async throws {
        let core = try await CoreFixture()
        let projects = core.storage.projects
        let principal = try await projects.principal(apiKey: try await create(core).clientSecret)
        _ = try await create(core, "blog")

        func code(_ name: String) async -> StorageError.Code? {
            await self.code { try await projects.authorise(principal, for: BucketID(stored: name), facts: Self.facts) }
        }
        #expect(await code("shop") == nil)
        #expect(await code("blog") == .accessDenied)
        #expect(await code("none") == .bucketNotFound)
        // A bucket that is no project.
        #expect(await code("b") == .bucketNotFound)
        try await projects.authorise(CoreFixture.service.principal, for: BucketID(stored: "none"), facts: Self.facts)
    }

    @Test func noTokenAndNoClaimsNameTheRoleOfKeys() async throws {
        let core = try await CoreFixture()
        let claims = #"{"role":"magpie_project","projects":["b"]}"#
        let token = try core.keys.sign(JSONText(trusted: claims))
        let keys = AccessKeys(
            .init(masterKey: [UInt8](repeating: 1, count: 32), server: nil), store: core.metadata)

        #expect(await code { _ = try core.storage.authenticator.principal(token: token) } == .accessDenied)
        #expect(
            await code { _ = try await keys.create(claims: JSONText(trusted: claims), description: "") } == .invalidRequest)
    }

    @Test func aKeyPairOfS3IsMadeForAProjectThatExists() async throws {
        let core = try await CoreFixture()
        _ = try await create(core)
        let keys = AccessKeys(
            .init(masterKey: [UInt8](repeating: 1, count: 32), server: nil), store: core.metadata)

        let made = try await keys.create(for: BucketID(stored: "shop"), description: "")
        let known = try await keys.credential(made.id)

        #expect(known.secret == made.secret && known.principal.role == ProjectScope.role)
        #expect(known.principal.scope == ProjectScope(keyID: made.id.rawValue, projects: [BucketID(stored: "shop")]))
        #expect(await code { _ = try await keys.create(for: core.bucket, description: "") } == .bucketNotFound)
    }

    // MARK: Names and plans

    @Test(arguments: ["", "-a", "A", "a_b", "a.b", "api", "plugins", "storage", String(repeating: "a", count: 64), "ä", "a/b"])
    func aNameThatIsNoneIsRefused(_ name: String) async throws {
        let core = try await CoreFixture()
        #expect(await code { _ = try await create(core, name) } == .invalidBucketName)
        #expect(try await core.storage.projects.list().isEmpty)
    }

    @Test(arguments: ["a", "0", "a-", "shop-2", String(repeating: "a", count: 63)])
    func aNameMayBeShortAndHaveHyphens(_ name: String) async throws {
        let core = try await CoreFixture()
        _ = try await create(core, name)
        #expect(try await core.storage.projects.list().map(\.id.rawValue) == [name])
    }

    @Test func anOwnerHasNoMoreProjectsThanThePlanAllows() async throws {
        let core = try await CoreFixture()
        _ = try await create(core, "one", plan: .starter, owner: "ann@example.com")

        #expect(await code { _ = try await create(core, "two", plan: .starter, owner: "ann@example.com") } == .invalidRequest)
        _ = try await create(core, "three", plan: .starter, owner: "bob@example.com")
        _ = try await create(core, "four", plan: .growth, owner: "ann@example.com")
        #expect(await code { try await core.storage.projects.setPlan(.starter, of: "four") } == .invalidRequest)
        try await core.storage.projects.setPlan(.pro, of: "one")
    }

    @Test(arguments: ["", "ann", "@example.com", "ann@", "a@b@c", "a b@c", "ann@example.com\n"])
    func anOwnerIsAnAddress(_ owner: String) async throws {
        let core = try await CoreFixture()
        #expect(await code { _ = try await create(core, owner: owner) } == .invalidRequest)
    }

    @Test func aKeyEndsWhenItSays() async throws {
        let (core, clock) = (try await CoreFixture(), ManualClock())
        let projects = Projects(
            metadata: core.metadata, cache: core.storage.cache, usage: core.storage.usage,
            rate: UploadRate.Configuration(perMinute: 0, queue: 0), now: { clock.now() })
        _ = try await create(core)
        let end = clock.now().adding(seconds: 10)
        let (key, secret) = try await projects.createKey(
            .publishable, of: "shop", description: "", limits: .init(scopes: [KeyScope(stored: "files:read")], expiresAt: end))

        let credential = try await projects.credential(secret)
        #expect(credential.id == key.id && credential.allows(.read) && !credential.allows(.delete))
        clock.advance(seconds: 10)
        #expect(await code { _ = try await projects.credential(secret) } == .unauthenticated)
        #expect(
            await code { _ = try await projects.createKey(.secret, of: "shop", description: "", limits: .init(expiresAt: end)) }
                == .invalidRequest)
    }

    @Test func aNarrowedKeyIsForFilesAlone() async throws {
        let core = try await CoreFixture()
        let projects = core.storage.projects
        _ = try await create(core)
        let narrow = Projects.KeyLimits(scopes: [KeyScope(stored: "files:*")])

        let (_, secret) = try await projects.createKey(.secret, of: "shop", description: "", limits: narrow)
        #expect(try await projects.credential(secret).allows(.delete))
        #expect(await code { _ = try await projects.principal(apiKey: secret) } == .accessDenied)
        for kind in [ProjectKey.Kind.pair, .single] {
            #expect(
                await code { _ = try await projects.createKey(kind, of: "shop", description: "", limits: narrow) }
                    == .invalidRequest)
        }
    }

    @Test func aProjectHasNoMoreKeysThanItsPlanAllows() async throws {
        let core = try await CoreFixture()
        let projects = core.storage.projects
        let secrets = try await create(core, plan: .starter)

        #expect(await code { _ = try await projects.createKey(.single, of: "shop", description: "") } == .invalidRequest)
        // What comes with the project does not count, and what was revoked no longer.
        _ = try await projects.createKey(.publishable, of: "shop", description: "")
        #expect(try await projects.revokeKey(secrets.clientID, of: "shop"))
        let (key, secret) = try await projects.createKey(.single, of: "shop", description: "of the shop")
        #expect(try await projects.credential(secret).id == key.id)
        try await projects.setPlan(.pro, of: "shop")
        _ = try await projects.createKey(.pair, of: "shop", description: "")
        #expect(await code { try await projects.setPlan(.trial, of: "shop") } == .invalidRequest)
    }

    @Test func theFirstProjectIsMadeOnceWhateverBecomesOfIt() async throws {
        let core = try await CoreFixture()
        let projects = core.storage.projects
        try await projects.createDefault(publishableKey: "pk_1", secretKey: "sk_1")
        try await projects.createDefault(publishableKey: "pk_1", secretKey: "sk_1")
        #expect(try await projects.principal(apiKey: "sk_1").scope?.projects.map(\.rawValue) == ["default"])
        #expect(try await !core.metadata.bucketRules(BucketID(stored: "default"), facts: Self.facts).isPublic)

        // Another server.
        try await projects.createDefault(publishableKey: "pk_2", secretKey: "sk_2")
        #expect(try await projects.credential("pk_2").kind == .publishable)

        try await projects.delete("default")
        try await projects.createDefault(publishableKey: "pk_1", secretKey: "sk_1")
        #expect(try await projects.list().isEmpty)
    }

    @Test func aBucketOfTheFirstProjectsNameIsLeftAlone() async throws {
        let core = try await CoreFixture()
        let bucket = Bucket(id: BucketID(stored: "default"), name: "default", isPublic: true)
        _ = try await core.storage.buckets.create(bucket, as: CoreFixture.service)

        try await core.storage.projects.createDefault(publishableKey: "pk_1", secretKey: "sk_1")

        #expect(try await core.storage.projects.list().isEmpty)
    }

    // MARK: Use

    @Test func usageIsForWhoMayChangeTheProjectAndForDaysInOrder() async throws {
        let core = try await CoreFixture()
        let projects = core.storage.projects
        let principal = try await projects.principal(apiKey: try await create(core).clientSecret)
        let holder = Caller(principal: principal, facts: Self.facts)
        let (shop, today) = (BucketID(stored: "shop"), UsageDay(.now()))
        core.storage.usage.answered(for: shop, bytes: 3)

        let used = try await projects.usage(of: shop, from: today.advanced(by: -399), through: today, as: holder)
        #expect(used.map(\.counts) == [UsageCounts(requests: 1, bandwidthBytes: 3)])
        for (first, last) in [(today, today.advanced(by: -1)), (today.advanced(by: -400), today)] {
            #expect(
                await code { _ = try await projects.usage(of: shop, from: first, through: last, as: holder) } == .invalidParameter
            )
        }
        #expect(
            await code { _ = try await projects.usage(of: shop, from: today, through: today, as: CoreFixture.caller()) }
                == .bucketNotFound)
        #expect(
            await code { _ = try await projects.usage(of: core.bucket, from: today, through: today, as: CoreFixture.service) }
                == .bucketNotFound)
    }
}
