// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaTesting
import Testing

@testable import MediaCore

struct AccountsTests {
    private static let secret = String(repeating: "k", count: 32)
    private static let password = "correct horse"
    private let clock = ManualClock()
    private let store = InMemoryMetadataStore()
    private let client = SignInClient(address: "127.0.0.1")

    private func accounts(
        _ signUp: Accounts.SignUp = .open, inApps appSignUp: Accounts.AppSignUp = .open, plan: Plan.Name? = nil,
        attempts: Int = 10
    ) async throws -> Accounts {
        Accounts(
            metadata: store, projects: Projects(metadata: store),
            configuration: Accounts.Configuration(
                signUp: signUp, appSignUp: appSignUp, cost: PasswordCost(logarithm: 10, blockSize: 8, parallelism: 1),
                idleLifetime: 1000,
                longestLifetime: 3000, plan: plan, attempts: attempts),
            keys: try await KeyRing(secret: Self.secret), now: { [clock] in clock.now() })
    }

    private func person(_ name: String, _ accounts: Accounts) async throws -> Account {
        try await accounts.register(email: "\(name)@example.com", password: Self.password, name: name, from: client)
    }

    private func appUser(
        _ name: String, _ accounts: Accounts, _ kind: ProjectKey.Kind = .publishable
    ) async throws -> Account {
        let key = ProjectKey(
            kind: kind, digest: SecretDigest(of: name), projects: [BucketID(stored: "shop")], createdAt: clock.now())
        return try await accounts.registerAppUser(
            email: "\(name)@example.com", password: Self.password, name: name, key: ProjectCredential(key), from: client)
    }

    // MARK: Users of apps

    @Test(
        arguments: [
            (Accounts.AppSignUp.off, ProjectKey.Kind.secret, false), (.off, .publishable, false), (.secret, .publishable, false),
            (.secret, .secret, true), (.open, .publishable, true), (.open, .secret, true),
        ])
    func whoSignsUpInAnAppIsASettingOfItsOwn(
        _ mode: Accounts.AppSignUp, _ kind: ProjectKey.Kind, isAllowed: Bool
    ) async throws {
        let accounts = try await accounts(.off, inApps: mode)
        let code = await errorCode { _ = try await appUser("ann", accounts, kind) }
        #expect(code == (isAllowed ? nil : .accessDenied))
    }

    @Test func whoSignsUpInAnAppRunsNothingAndTakesNobodysPlace() async throws {
        let accounts = try await accounts(.first, plan: .unlimited)
        let ann = try await appUser("ann", accounts)
        #expect(ann.isAppUser && !ann.isOperator && !accounts.mayCreateProjects(ann))
        #expect(
            await errorCode { _ = try await accounts.createProject("mine", plan: nil, isPublic: false, as: ann) } == .accessDenied
        )
        #expect(try await accounts.isSignUpOpen())
        #expect(try await person("root", accounts).isOperator)
        #expect(try await !accounts.isSignUpOpen())
    }

    @Test func onlyWhoRunsTheServerMakesAUserOfAnAppAMember() async throws {
        let accounts = try await accounts(plan: .unlimited)
        let owner = try await person("root", accounts)
        _ = try await accounts.createProject("shop", plan: nil, isPublic: false, as: owner)
        let (ann, shop) = (try await appUser("ann", accounts), BucketID(stored: "shop"))
        let code = await errorCode {
            _ = try await accounts.addMember("ann@example.com", as: .admin, to: shop, by: owner)
        }
        #expect(code == .relatedResourceMissing)
        try await accounts.grant(.admin, to: "ann@example.com", in: "shop")
        #expect(try await accounts.role(of: ann, in: shop) == .admin)
    }

    @Test(arguments: ProjectRole.allCases)
    func aTokenOfAnAdminActsForTheProjectAndAnyOtherForItself(_ role: ProjectRole) async throws {
        let accounts = try await accounts(plan: .unlimited)
        let owner = try await person("root", accounts)
        for name in ["shop", "blog"] {
            _ = try await accounts.createProject(name, plan: nil, isPublic: false, as: owner)
        }
        let ann = try await appUser("ann", accounts)
        try await accounts.grant(role, to: "ann@example.com", in: "shop")
        let keys = try await KeyRing(secret: Self.secret)
        let tokens = try await accounts.issueTokens(for: ann, from: client)
        let token = try Authenticator(keys: keys).principal(token: tokens.accessToken, at: clock.now())

        let inShop = try await accounts.principal(of: token, in: BucketID(stored: "shop"))
        #expect((inShop.role == ProjectScope.role) == (role >= .admin))
        #expect(inShop.subject == ann.id.rawValue)
        #expect(try await accounts.principal(of: token, in: BucketID(stored: "blog")) == token)
        try await accounts.setDisabled(true, of: "ann@example.com")
        #expect(try await accounts.principal(of: token, in: BucketID(stored: "shop")) == token)
    }

    @Test func signingOutByATokenEndsItsSessionAlone() async throws {
        let accounts = try await accounts()
        let ann = try await appUser("ann", accounts)
        let (here, there) = (
            try await accounts.issueTokens(for: ann, from: client), try await accounts.issueTokens(for: ann, from: client)
        )
        let keys = try await KeyRing(secret: Self.secret)
        let token = try Authenticator(keys: keys).principal(token: here.accessToken, at: clock.now())

        #expect(try await accounts.account(of: token)?.id == ann.id)
        try await accounts.endSession(of: token)

        #expect(await errorCode { _ = try await accounts.refresh(here.refreshToken) } == .unauthenticated)
        _ = try await accounts.refresh(there.refreshToken)
    }

    // MARK: Sessions

    @Test func aSessionLastsForBeingUsedUntilItsEnd() async throws {
        let accounts = try await accounts()
        let text = try await accounts.begin(.cookie, for: person("ann", accounts), from: client).token.text
        for _ in 0..<3 {
            clock.advance(seconds: 900)
            #expect(try await accounts.session(text).account.name == "ann")
        }
        clock.advance(seconds: 299)
        #expect(try await accounts.session(text).session.expiresAt == accounts.session(text).session.endsAt)
        clock.advance(seconds: 1)
        #expect(await errorCode { _ = try await accounts.session(text) } == .unauthenticated)
    }

    @Test func aSessionThatIsNotUsedIsOver() async throws {
        let accounts = try await accounts()
        let text = try await accounts.begin(.cookie, for: person("ann", accounts), from: client).token.text
        clock.advance(seconds: 1000)
        #expect(await errorCode { _ = try await accounts.session(text) } == .unauthenticated)
    }

    @Test func aRefreshTokenIsNoCookieAndACookieNoRefreshToken() async throws {
        let accounts = try await accounts()
        let ann = try await person("ann", accounts)
        let tokens = try await accounts.issueTokens(for: ann, from: client)
        let cookie = try await accounts.begin(.cookie, for: ann, from: client).token.text
        #expect(await errorCode { _ = try await accounts.session(tokens.refreshToken) } == .unauthenticated)
        #expect(await errorCode { _ = try await accounts.refresh(cookie) } == .unauthenticated)
        #expect(try await accounts.sessions(of: ann).count == 2)
    }

    // MARK: Tokens

    @Test func anAccessTokenIsAnOrdinaryOneOfAUser() async throws {
        let accounts = try await accounts()
        let ann = try await person("ann", accounts)
        let tokens = try await accounts.issueTokens(for: ann, from: client)
        let keys = try await KeyRing(secret: Self.secret)
        let principal = try Authenticator(keys: keys).principal(token: tokens.accessToken, at: clock.now())
        #expect(principal.role == "authenticated" && principal.subject == ann.id.rawValue && principal.scope == nil)
        let claims = try #require(
            try JSONSerialization.jsonObject(with: Data(principal.claims.rawValue.utf8)) as? [String: Any])
        #expect(claims["email"] as? String == "ann@example.com" && claims["iss"] as? String == "magpie")
        #expect((claims["exp"] as? Int).map { Int64($0) } == clock.now().seconds + 3600)
        #expect(throws: StorageError.self) { try keys.verify(tokens.accessToken, at: clock.now().adding(seconds: 3600)) }
        #expect(!"\(tokens)".contains(tokens.refreshToken))
    }

    @Test func refreshTokensRotateAndAStolenOneEndsThemAll() async throws {
        let accounts = try await accounts()
        let ann = try await person("ann", accounts)
        let first = try await accounts.issueTokens(for: ann, from: client)
        let other = try await accounts.issueTokens(for: ann, from: client)
        let second = try await accounts.refresh(first.refreshToken)
        #expect(second.session == first.session && second.refreshToken != first.refreshToken)
        #expect(await errorCode { _ = try await accounts.refresh(first.refreshToken) } == .unauthenticated)
        #expect(await errorCode { _ = try await accounts.refresh(second.refreshToken) } == .unauthenticated)
        _ = try await accounts.refresh(other.refreshToken)
    }

    @Test(arguments: ["", "x", String(repeating: "A", count: 43)])
    func whatIsNoRefreshTokenGetsNothing(_ text: String) async throws {
        let accounts = try await accounts()
        #expect(await errorCode { _ = try await accounts.refresh(text) } == .unauthenticated)
    }

    // MARK: Signing in

    @Test func aDisabledAccountIsNobody() async throws {
        let accounts = try await accounts()
        let ann = try await person("ann", accounts)
        let tokens = try await accounts.issueTokens(for: ann, from: client)
        try await accounts.setDisabled(true, of: "ann@example.com")
        #expect(
            await errorCode {
                _ = try await accounts.verify(email: "ann@example.com", password: Self.password, from: client)
            } == .unauthenticated)
        #expect(await errorCode { _ = try await accounts.refresh(tokens.refreshToken) } == .unauthenticated)
        try await accounts.setDisabled(false, of: "ann@example.com")
        #expect(try await accounts.verify(email: "ANN@example.com", password: Self.password, from: client).id == ann.id)
    }

    // MARK: Projects

    @Test(arguments: ProjectRole.allCases)
    func anAccountActsAsTheRoleOfKeysWithItsRight(_ role: ProjectRole) async throws {
        let accounts = try await accounts(plan: .unlimited)
        let (owner, member) = (try await person("root", accounts), try await person("ann", accounts))
        _ = try await accounts.createProject("shop", plan: nil, isPublic: false, as: owner)
        _ = try await accounts.addMember("ann@example.com", as: role, to: BucketID(stored: "shop"), by: owner)

        let principal = try await accounts.principal(of: member, in: BucketID(stored: "shop"))

        #expect(principal.role == ProjectScope.role && principal.subject == member.id.rawValue)
        let claims = try #require(
            try JSONSerialization.jsonObject(with: Data(principal.claims.rawValue.utf8)) as? [String: Any])
        #expect(claims["right"] as? String == role.right.rawValue && claims["projects"] as? [String] == ["shop"])
        #expect(claims["sub"] as? String == member.id.rawValue && claims["role"] as? String == "magpie_project")
        let higher = ProjectRole.allCases.filter { $0 > role }
        for least in higher {
            #expect(
                await errorCode { _ = try await accounts.principal(of: member, in: BucketID(stored: "shop"), atLeast: least) }
                    == .accessDenied)
        }
    }

    @Test func whoIsNothingInAProjectIsRefusedAndWhereThereIsNoneToldSo() async throws {
        let accounts = try await accounts()
        let (root, ann) = (try await person("root", accounts), try await person("ann", accounts))
        _ = try await accounts.createProject("shop", plan: .pro, isPublic: false, as: root)
        #expect(await errorCode { _ = try await accounts.principal(of: ann, in: BucketID(stored: "shop")) } == .accessDenied)
        for account in [root, ann] {
            #expect(
                await errorCode { _ = try await accounts.principal(of: account, in: BucketID(stored: "none")) } == .bucketNotFound
            )
        }
        #expect(
            await errorCode { _ = try await accounts.createProject("x", plan: nil, isPublic: true, as: ann) } == .accessDenied)
    }
}
