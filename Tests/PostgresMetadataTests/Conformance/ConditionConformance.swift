// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Writes and deletions that happen only when something holds.
    @Suite struct Conditions {
        private static let writers = 24

        /// Lets all writers go at once and counts who won.
        private static func race(
            _ fixture: StoreFixture, _ condition: WriteCondition, losing code: StorageError.Code
        ) async throws -> [ObjectRecord] {
            try await withThrowingTaskGroup(of: ObjectRecord?.self) { group in
                for _ in 0..<writers {
                    group.addTask {
                        do {
                            return try await fixture.store.commitPut(
                                fixture.newObject("a", condition: condition), mode: .replace, facts: fixture.facts)
                        } catch let error as StorageError {
                            #expect(error.code == code)
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: []) { winners, record in
                    if let record { winners.append(record) }
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [BucketVersioning.off, .enabled, .suspended])
        func ofWritersThatWantAFreeKeyOneWins(_ kind: MetadataStoreUnderTest, _ versioning: BucketVersioning) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                if versioning != .off { try await fixture.setVersioning(.enabled) }
                if versioning == .suspended { try await fixture.setVersioning(.suspended) }

                let winners = try await Self.race(fixture, .ifAbsent, losing: .preconditionFailed)

                #expect(winners.count == 1)
                let read = try await fixture.store.object(at: fixture.address("a"), access: .policy(fixture.service))
                #expect(read.record == winners.first)
                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofWritersThatSawTheSameVersionOneWins(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let seen = try await fixture.put("a")
                let winners = try await Self.race(
                    fixture, .ifMatch(ObjectMatch(version: seen.version)), losing: .preconditionFailed)

                #expect(winners.count == 1)
                #expect(try await fixture.dueDeletions() == blobKeys(of: [seen]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofDeletersThatSawTheSameVersionOneWins(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let seen = try await fixture.put("a")
                let condition = WriteCondition.ifMatch(ObjectMatch(version: seen.version))
                let won = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<Self.writers {
                        group.addTask {
                            do {
                                return try await fixture.delete("a", if: condition).marker != nil
                            } catch let error as StorageError {
                                #expect(error.code == .objectNotFound)
                                return false
                            }
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }

                #expect(won == 1)
                #expect(try await fixture.versions(of: [seen]) == ["a marker latest", "a v0"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMatchNeedsTheEntityTagOfWhatIsThere(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                func put(_ field: String) async -> StorageError.Code? {
                    let object = fixture.newObject("a", condition: .ifMatch(ObjectMatch(field: field)))
                    return await failure {
                        try await fixture.store.commitPut(object, mode: .replace, facts: fixture.facts)
                    }?.code
                }

                #expect(await put("*") == .objectNotFound)
                try await fixture.put("a")
                #expect(await put("\"1\"") == .preconditionFailed)
                #expect(await put("\"1\", \"0\"") == nil)
                #expect(await put("*") == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDeleteMarkerIsNoObject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                try await fixture.put("a")
                try await fixture.delete("a")
                #expect(await failure { try await fixture.delete("a", if: .ifMatch(.anything)) }?.code == .objectNotFound)
                let object = fixture.newObject("a", condition: .ifAbsent)
                _ = try await fixture.store.commitPut(object, mode: .replace, facts: fixture.facts)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRefusedDeletionDeletesNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")
                let old = VersionID.id(try #require(first.version))
                let other = WriteCondition.ifMatch(ObjectMatch(field: "\"1\""))

                #expect(await failure { try await fixture.delete("a", if: other) }?.code == .preconditionFailed)
                #expect(await failure { try await fixture.delete("a", version: old, if: other) }?.code == .preconditionFailed)
                #expect(
                    await failure { try await fixture.delete("a", if: .ifMatch(ObjectMatch(size: 4))) }?.code
                        == .preconditionFailed)
                #expect(try await fixture.versions(of: [first, second]) == ["a v1 latest", "a v0"])
                try await fixture.delete("a", version: old, if: .ifMatch(ObjectMatch(field: "\"0\"")))
                try await fixture.delete("a", if: .ifMatch(ObjectMatch(size: 3)))
                #expect(try await fixture.versions(of: [second]) == ["a marker latest", "a v0"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aConditionTellsNothingToWhoMayNotDelete(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")
                let versions = [nil, first.version, second.version].map { $0.map { VersionID.id($0) } }
                func refusal(_ key: String, _ version: VersionID?, _ condition: WriteCondition) async -> StorageError? {
                    await failure { try await fixture.delete(key, version: version, if: condition, as: fixture.anon) }
                }

                for field in ["\"0\"", "\"1\"", "*"] {
                    let guess = WriteCondition.ifMatch(ObjectMatch(field: field))
                    for version in versions {
                        let (plain, guessed) = (await refusal("a", version, .none), await refusal("a", version, guess))
                        #expect(plain?.code == .accessDenied)
                        #expect(guessed?.code == plain?.code && guessed?.refusal == plain?.refusal)
                    }
                    #expect(await refusal("none", nil, guess)?.code == .accessDenied)
                }
                #expect(try await fixture.versions(of: [first, second]) == ["a v1 latest", "a v0"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [PutMode.create, .replace])
        func whatCanBeKnownIsRefusedInAdvance(_ kind: MetadataStoreUnderTest, _ mode: PutMode) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert, .select, .update])
                func check(_ key: String, _ condition: WriteCondition, _ caller: Caller) async -> StorageError.Code? {
                    var draft = fixture.draft(key)
                    draft.condition = condition
                    return await failure { try await fixture.store.checkPut(draft, mode: mode, as: caller) }?.code
                }
                try await fixture.put("a")

                for caller in [fixture.service, fixture.alice] {
                    #expect(await check("a", .ifAbsent, caller) == .preconditionFailed)
                    #expect(await check("b", .ifAbsent, caller) == nil)
                    #expect(await check("b", .ifMatch(.anything), caller) == .objectNotFound)
                }
                if mode == .replace {
                    #expect(await check("a", .ifMatch(ObjectMatch(field: "\"1\"")), fixture.alice) == .preconditionFailed)
                    #expect(await check("a", .ifMatch(ObjectMatch(field: "\"0\"")), fixture.alice) == nil)
                }
                #expect(await check("a", .ifAbsent, fixture.anon) == .accessDenied)
            }
        }
    }
}
