// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

/// Accounts and sessions as tests make them.
enum AccountSample {
    static let time = Timestamp(seconds: 1_700_000_000)

    static func hash(_ text: String = "AAAA") -> PasswordHash? {
        PasswordHash(stored: "$scrypt$ln=14,r=8,p=1$\(text)$" + String(repeating: "A", count: 43))
    }

    static func account(_ name: String, isOperator: Bool = false) throws -> Account {
        Account(
            email: try #require(EmailAddress("\(name)@example.com")), name: name, isOperator: isOperator, createdAt: time)
    }

    static func session(
        of account: Account, _ kind: AccountSession.Kind = .cookie, used: Int64 = 0, lasting: Int64 = 100,
        at start: Timestamp = time
    ) -> AccountSession {
        AccountSession(
            account: account.id, kind: kind, createdAt: start, usedAt: start.adding(seconds: used),
            expiresAt: start.adding(seconds: lasting), endsAt: start.adding(seconds: 1000),
            client: SignInClient(address: "127.0.0.1", userAgent: "a test"))
    }
}

extension StoreFixture {
    @discardableResult
    func makeAccount(_ name: String) async throws -> Account {
        let hash = try #require(AccountSample.hash())
        return try #require(
            try await store.insertAccount(try AccountSample.account(name), password: hash, onlyFirst: false))
    }
}

extension MetadataStoreConformance {
    @Suite struct Accounts {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theFirstAccountRunsTheServer(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                #expect(try await !fixture.store.hasAccounts())
                let first = try await fixture.makeAccount("ann")
                let second = try await fixture.makeAccount("ben")

                #expect(first.isOperator && !second.isOperator)
                #expect(try await fixture.store.hasAccounts())
                #expect(try await fixture.store.accounts() == [first, second])
                #expect(try await fixture.store.account(first.email)?.account == first)
                #expect(try await fixture.store.account(second.id)?.account == second)
                #expect(try await fixture.store.account(AccountID()) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whoIsOnlyToBeFirstIsNotKeptSecond(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let hash = try #require(AccountSample.hash())
                let (ann, ben) = (try AccountSample.account("ann"), try AccountSample.account("ben"))
                #expect(try await fixture.store.insertAccount(ann, password: hash, onlyFirst: true) != nil)
                #expect(try await fixture.store.insertAccount(ben, password: hash, onlyFirst: true) == nil)
                #expect(try await fixture.store.accounts().map(\.email) == [ann.email])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whoUsesAnAppIsNeverTheFirst(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let hash = try #require(AccountSample.hash())
                var user = try AccountSample.account("user", isOperator: true)
                user.isAppUser = true
                let kept = try await fixture.store.insertAccount(user, password: hash, onlyFirst: false)

                #expect(kept?.isAppUser == true && kept?.isOperator == false)
                #expect(try await !fixture.store.hasAccounts())
                let ann = try await fixture.store.insertAccount(
                    try AccountSample.account("ann"), password: hash, onlyFirst: true)
                #expect(ann?.isOperator == true && ann?.isAppUser == false)
                #expect(try await fixture.store.accounts().map(\.isAppUser) == [false, true])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofManyAtTheSameTimeOneIsFirst(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let hash = try #require(AccountSample.hash())
                let store = fixture.store
                let accounts = try (0..<8).map { try AccountSample.account("p\($0)") }
                let kept = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for account in accounts {
                        group.addTask { try await store.insertAccount(account, password: hash, onlyFirst: true) != nil }
                    }
                    return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(kept == 1)
                #expect(try await store.accounts().count == 1)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anAddressIsOnePersons(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeAccount("ann")
                #expect(await failure { try await fixture.makeAccount("ann") }?.code == .objectExists)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPasswordIsChangedWhileItIsTheOneThatWasMeant(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let ann = try await fixture.makeAccount("ann")
                let old = try #require(AccountSample.hash())
                let (new, newest) = (try #require(AccountSample.hash("BBBB")), try #require(AccountSample.hash("CCCC")))

                #expect(try await fixture.store.setPassword(new, of: ann.id, insteadOf: old))
                #expect(try await !fixture.store.setPassword(newest, of: ann.id, insteadOf: old))
                #expect(try await fixture.store.account(ann.id)?.password == new)
                #expect(try await fixture.store.setPassword(newest, of: ann.id, insteadOf: nil))
                #expect(try await !fixture.store.setPassword(newest, of: AccountID(), insteadOf: nil))
                #expect(try await fixture.store.account(ann.id)?.password == newest)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func disablingEndsSessionsAndIsUndone(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (store, time) = (fixture.store, AccountSample.time)
                let ann = try await fixture.makeAccount("ann")
                let digest = SecretDigest(of: "a")
                try await store.insertSession(AccountSample.session(of: ann), digest: digest, most: 9)

                #expect(try await store.setDisabled(time, of: ann.id))
                #expect(try await store.account(ann.id)?.account.disabledAt == time)
                #expect(try await store.session(digest, kind: .cookie, at: time) == nil)
                #expect(try await store.setDisabled(nil, of: ann.id))
                #expect(try await store.account(ann.id)?.account.disabledAt == nil)
                #expect(try await store.sessions(of: ann.id, at: time).isEmpty)
                #expect(try await !store.setDisabled(nil, of: AccountID()))
            }
        }
    }

    @Suite struct AccountSessions {
        private static let time = AccountSample.time

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aSessionIsFoundByItsTokenUntilItIsOver(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let ann = try await fixture.makeAccount("ann")
                let session = AccountSample.session(of: ann)
                let digest = SecretDigest(of: "a")
                try await store.insertSession(session, digest: digest, most: 9)

                let found = try #require(try await store.session(digest, kind: .cookie, at: Self.time))
                #expect(found.session == session && found.account == ann)
                #expect(try await store.session(digest, kind: .tokens, at: Self.time) == nil)
                #expect(try await store.session(SecretDigest(of: "b"), kind: .cookie, at: Self.time) == nil)
                #expect(try await store.session(digest, kind: .cookie, at: Self.time.adding(seconds: 99)) != nil)
                #expect(try await store.session(digest, kind: .cookie, at: Self.time.adding(seconds: 100)) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func useMovesTheExpiryAsFarAsTheEnd(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let ann = try await fixture.makeAccount("ann")
                let session = AccountSample.session(of: ann)
                try await store.insertSession(session, digest: SecretDigest(of: "a"), most: 9)

                let later = Self.time.adding(seconds: 50)
                try await store.touchSession(session.id, at: later, expiresAt: later.adding(seconds: 100))
                #expect(try await store.sessions(of: ann.id, at: later).map(\.expiresAt) == [later.adding(seconds: 100)])
                #expect(try await store.sessions(of: ann.id, at: later).map(\.usedAt) == [later])
                try await store.touchSession(session.id, at: later, expiresAt: later.adding(seconds: 5000))
                #expect(try await store.sessions(of: ann.id, at: later).map(\.expiresAt) == [session.endsAt])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func sessionsEndOneByOneOrAllButOne(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let (ann, ben) = (try await fixture.makeAccount("ann"), try await fixture.makeAccount("ben"))
                let all = (0..<3).map { AccountSample.session(of: ann, used: Int64($0)) }
                for (index, session) in all.enumerated() {
                    try await store.insertSession(session, digest: SecretDigest(of: "\(index)"), most: 9)
                }
                let other = AccountSample.session(of: ben)
                try await store.insertSession(other, digest: SecretDigest(of: "ben"), most: 9)

                #expect(try await store.sessions(of: ann.id, at: Self.time) == all.reversed())
                #expect(try await !store.endSession(all[0].id, of: ben.id))
                #expect(try await store.endSession(all[0].id, of: ann.id))
                #expect(try await !store.endSession(all[0].id, of: ann.id))
                try await store.endSessions(of: ann.id, except: all[1].id)
                #expect(try await store.sessions(of: ann.id, at: Self.time) == [all[1]])
                try await store.endSessions(of: ann.id, except: nil)
                #expect(try await store.sessions(of: ann.id, at: Self.time).isEmpty)
                #expect(try await store.sessions(of: ben.id, at: Self.time) == [other])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anAccountKeepsSoManySessions(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let ann = try await fixture.makeAccount("ann")
                for index in 0..<4 {
                    try await store.insertSession(
                        AccountSample.session(of: ann, used: Int64(index)), digest: SecretDigest(of: "\(index)"), most: 2)
                }
                // The new one is kept however little it was used.
                let new = AccountSample.session(of: ann, used: 0)
                try await store.insertSession(new, digest: SecretDigest(of: "new"), most: 2)
                let kept = try await store.sessions(of: ann.id, at: Self.time)
                #expect(kept.map(\.usedAt) == [Self.time.adding(seconds: 3), Self.time] && kept.last == new)
            }
        }

        // MARK: Refresh tokens

        private func rotate(_ fixture: StoreFixture, _ old: String, _ new: String, after seconds: Int64 = 1) async throws -> Bool
        {
            let time = Self.time.adding(seconds: seconds)
            return try await fixture.store.rotateToken(
                from: SecretDigest(of: old), to: SecretDigest(of: new), at: time, expiresAt: time.adding(seconds: 100)) != nil
        }

        private func began(_ fixture: StoreFixture) async throws -> Account {
            let ann = try await fixture.makeAccount("ann")
            try await fixture.store.insertSession(
                AccountSample.session(of: ann, .tokens), digest: SecretDigest(of: "1"), most: 9)
            return ann
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRefreshTokenIsExchangedOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let ann = try await began(fixture)
                #expect(try await rotate(fixture, "1", "2"))
                #expect(try await rotate(fixture, "2", "3", after: 90))
                #expect(try await rotate(fixture, "3", "4", after: 180))
                #expect(try await fixture.store.sessions(of: ann.id, at: Self.time).count == 1)
                #expect(try await !rotate(fixture, "none", "5"))
                #expect(try await fixture.store.sessions(of: ann.id, at: Self.time).count == 1)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTokenThatComesAgainEndsTheSession(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let ann = try await began(fixture)
                #expect(try await rotate(fixture, "1", "2"))
                #expect(try await rotate(fixture, "2", "3"))
                #expect(try await !rotate(fixture, "1", "4"))
                #expect(try await !rotate(fixture, "3", "5"))
                #expect(try await fixture.store.sessions(of: ann.id, at: Self.time).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofTwoWithTheSameTokenAtMostOneIsServed(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let ann = try await began(fixture)
                async let first = rotate(fixture, "1", "2")
                async let second = rotate(fixture, "1", "3")
                let served = try await [first, second].count { $0 }
                #expect(served == 1)
                #expect(try await fixture.store.sessions(of: ann.id, at: Self.time).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRefreshTokenExpiresAndIsNoCookie(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let ann = try await began(fixture)
                #expect(try await !rotate(fixture, "1", "2", after: 100))
                try await fixture.store.insertSession(
                    AccountSample.session(of: ann, .cookie), digest: SecretDigest(of: "cookie"), most: 9)
                #expect(try await !rotate(fixture, "cookie", "2"))
            }
        }
    }
}
