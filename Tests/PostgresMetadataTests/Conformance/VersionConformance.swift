// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Buckets that keep what is superseded or deleted.
    @Suite struct Versions {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUnversionedBucketKeepsNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")

                #expect(try await fixture.versions(of: [first, second]) == ["a v1 null latest"])
                #expect(try await fixture.delete("a") == DeletionOutcome())
                #expect(await failure { try await fixture.delete("a") }?.code == .objectNotFound)
                #expect(try await fixture.versions(of: []).isEmpty)
                #expect(try await fixture.dueDeletions() == blobKeys(of: [first, second]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsSupersededIsKept(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let old = try await fixture.put("a")
                try await fixture.setVersioning(.enabled)
                let second = try await fixture.put("a")
                let third = try await fixture.put("a")

                #expect(try await fixture.versions(of: [old, second, third]) == ["a v2 latest", "a v1", "a v0 null"])
                #expect(second.id == old.id && third.createdAt == old.createdAt)
                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aDeletionPutsAMarkerOverWhatItKeeps(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                let marker = try #require(try await fixture.delete("a").marker)
                #expect(marker != .null)

                #expect(try await fixture.versions(of: [first]) == ["a marker latest", "a v0"])
                #expect(
                    await failure {
                        try await fixture.store.object(at: fixture.address("a"), access: .policy(fixture.service))
                    }?.code == .objectNotFound)
                let newest = try await fixture.store.version(nil, at: fixture.address("a"), access: .policy(fixture.service))
                guard case .deleteMarker(marker, _) = newest else {
                    Issue.record("found \(newest)")
                    return
                }

                let second = try await fixture.put("a")
                #expect(try await fixture.versions(of: [first, second]) == ["a v1 latest", "a marker", "a v0"])
                #expect(try await fixture.dueDeletions().isEmpty)
                let error = await failure { try await fixture.store.deleteBucket(bucket, as: fixture.service) }
                #expect(error?.code == .bucketNotEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func everyDeletionOfAnAbsentKeyIsMarked(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.delete("a").marker
                let second = try await fixture.delete("a").marker

                #expect(first != nil && second != nil && first != second)
                #expect(try await fixture.versions(of: []) == ["a marker latest", "a marker"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func deletionsOfTheOldKindAreMarkedToo(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeVersionedBucket()
                let records = [try await fixture.put("a"), try await fixture.put("b"), try await fixture.put("c")]
                _ = try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.service)
                _ = try await fixture.store.deleteObjects(
                    ["b", "c", "none"].map { ObjectKey(stored: $0) }, in: bucket, as: fixture.service)
                #expect(
                    await failure {
                        try await fixture.store.deleteObject(at: fixture.address("a"), as: fixture.service)
                    }?.code == .objectNotFound)

                #expect(
                    try await fixture.versions(of: records) == [
                        "a marker latest", "a v0", "b marker latest", "b v1", "c marker latest", "c v2",
                    ])
                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }

        @Test func aRowDeletedByPlainSQLIsKeptAndMarked() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeVersionedBucket()
                try await fixture.makeBucket("other")
                let kept = try await fixture.put("a")
                try await fixture.put("a", in: "other")
                try await fixture.onPostgres {
                    try await $0.administrator.execute(
                        script: "SET storage.allow_delete_query = 'true'; DELETE FROM storage.objects")
                }

                #expect(try await fixture.versions(of: [kept]) == ["a marker latest", "a v0"])
                #expect(try await fixture.versions(of: [], in: "other").isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aSuspendedBucketHasOneNullVersion(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let named = try await fixture.put("a")
                try await fixture.setVersioning(.suspended)
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")
                #expect(try await fixture.versions(of: [named, first, second]) == ["a v2 null latest", "a v0"])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [first]))

                #expect(try await fixture.delete("a").marker == .null)
                #expect(try await fixture.versions(of: [named, first, second]) == ["a marker null latest", "a v0"])
                #expect(try await fixture.delete("a").marker == .null)
                let third = try await fixture.put("a", mode: .create)
                #expect(try await fixture.versions(of: [named, third]) == ["a v1 null latest", "a v0"])

                try await fixture.setVersioning(.enabled)
                let fourth = try await fixture.put("a")
                #expect(try await fixture.versions(of: [named, third, fourth]) == ["a v2 latest", "a v1 null", "a v0"])
                try await fixture.setVersioning(.suspended)
                let fifth = try await fixture.put("a")
                #expect(try await fixture.versions(of: [named, fourth, fifth]) == ["a v2 null latest", "a v1", "a v0"])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [second, third]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func removingTheCurrentVersionPromotesTheNewestLeft(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a", owner: StoreFixture.alice, userMetadata: #"{"k":"1"}"#)
                let second = try await fixture.put("a")
                let gone = VersionID.id(try #require(second.version))

                #expect(try await fixture.delete("a", version: gone) == DeletionOutcome(removed: gone))

                let current = try await fixture.store.object(at: fixture.address("a"), access: .policy(fixture.service))
                #expect(current.record.version == first.version && current.record.userMetadata == first.userMetadata)
                #expect(current.record.ownerID == first.ownerID && current.record.createdAt == first.createdAt)
                #expect(current.isVersioned && current.blob?.checksums == ["CRC32": "AAAAAA=="])
                #expect(try await fixture.versions(of: [first, second]) == ["a v0 latest"])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [second]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func removingTheMarkerBringsTheObjectBack(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let record = try await fixture.put("a")
                let lower = try #require(try await fixture.delete("a").marker)
                let upper = try #require(try await fixture.delete("a").marker)

                #expect(try await fixture.delete("a", version: upper) == DeletionOutcome(removed: upper, removedMarker: true))
                #expect(try await fixture.versions(of: [record]) == ["a marker latest", "a v0"])
                try await fixture.delete("a", version: lower)
                #expect(try await fixture.versions(of: [record]) == ["a v0 latest"])
                let current = try await fixture.store.object(at: fixture.address("a"), access: .policy(fixture.service))
                #expect(current.record.id == record.id && current.record.updatedAt == record.updatedAt)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func removingAnOlderVersionLeavesTheCurrentOne(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")
                let gone = VersionID.id(try #require(first.version))
                try await fixture.delete("a", version: gone)

                #expect(try await fixture.versions(of: [first, second]) == ["a v1 latest"])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [first]))
                #expect(await failure { try await fixture.delete("a", version: gone) }?.code == .objectNotFound)
                #expect(await failure { try await fixture.delete("a", version: .null) }?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aNullVersionThatIsAnotherByNowStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket("photos", .suspended)
                let first = try #require(try await fixture.put("a").version)
                let second = try await fixture.put("a")
                #expect(
                    await failure { try await fixture.delete("a", version: .null, expecting: first) }?.code
                        == .preconditionFailed)
                #expect(try await fixture.versions(of: [second]) == ["a v0 null latest"])

                try await fixture.setVersioning(.enabled)
                let third = try await fixture.put("a")
                #expect(
                    await failure { try await fixture.delete("a", version: .null, expecting: first) }?.code
                        == .preconditionFailed)
                #expect(try await fixture.versions(of: [second, third]) == ["a v1 latest", "a v0 null"])

                try await fixture.delete("a", version: .null, expecting: second.version)
                #expect(try await fixture.versions(of: [third]) == ["a v0 latest"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMarkerThatIsAnotherByNowStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeVersionedBucket("photos", .suspended)
                try await fixture.put("a")
                try await fixture.delete("a")
                let page = try await fixture.store.versions(matching: VersionQuery(), in: bucket, as: fixture.service)
                guard case .version(let marker) = page.items.first else {
                    Issue.record("found \(page)")
                    return
                }
                try await fixture.delete("a")

                #expect(
                    await failure { try await fixture.delete("a", version: .null, expecting: marker.version) }?.code
                        == .preconditionFailed)
                let newest = try await fixture.put("a")
                #expect(
                    await failure { try await fixture.delete("a", version: .null, expecting: marker.version) }?.code
                        == .preconditionFailed)

                #expect(try await fixture.versions(of: [newest]) == ["a v0 null latest"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theNullVersionIsRemovedByItsName(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let plain = try await fixture.put("a")
                #expect(try await fixture.delete("a", version: .null) == DeletionOutcome(removed: .null))
                #expect(try await fixture.versions(of: []).isEmpty)
                try await fixture.adopt("b")
                try await fixture.setVersioning(.enabled)
                try await fixture.delete("b")
                try await fixture.delete("b", version: .null)

                #expect(try await fixture.versions(of: []) == ["b marker latest"])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [plain]))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aVersionIsReadByItsID(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")
                func read(_ record: ObjectRecord) async throws -> FoundVersion {
                    let id = VersionID.id(try #require(record.version))
                    return try await fixture.store.version(id, at: fixture.address("a"), access: .policy(fixture.service))
                }

                for record in [first, second] {
                    guard case .object(let found, let id) = try await read(record) else {
                        Issue.record("no object")
                        return
                    }
                    #expect(found.record.version == record.version && found.record.metadata == record.metadata)
                    #expect(found.blob?.key.rawValue == record.version?.rawValue && found.isVersioned && id == found.versionID)
                }
                let unknown = await failure {
                    try await fixture.store.version(.null, at: fixture.address("a"), access: .policy(fixture.service))
                }
                #expect(unknown?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyAPolicyOfTheirOwnOpensOldVersions(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a", owner: StoreFixture.alice)
                let second = try await fixture.put("a", owner: StoreFixture.alice)
                let old = VersionID.id(try #require(first.version))
                try await fixture.allow([.select, .delete])
                func read(_ access: Access) async -> StorageError.Code? {
                    await failure { try await fixture.store.version(old, at: fixture.address("a"), access: access) }?.code
                }

                #expect(try await fixture.versions(of: [first, second], as: fixture.alice) == ["a v1 latest"])
                #expect(await read(.policy(fixture.alice)) == .objectNotFound)
                let refused = await failure { try await fixture.delete("a", version: old, as: fixture.alice) }
                #expect(refused?.code == .accessDenied && refused?.refusal?.table == "magpie.object_versions")

                try await fixture.allow([.select, .delete], on: .versions, where: .ownerIsCaller)
                #expect(try await fixture.versions(of: [first, second], as: fixture.alice) == ["a v1 latest", "a v0"])
                #expect(await read(.policy(fixture.alice)) == nil)
                #expect(await read(.publicBucket(fixture.facts)) == .bucketNotFound)
                #expect(await read(.policy(fixture.bob)) == .objectNotFound)
                try await fixture.delete("a", version: old, as: fixture.alice)
                #expect(try await fixture.versions(of: [first, second]) == ["a v1 latest"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aCallerDeletesWhatPoliciesAllow(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let hers = try await fixture.put("hers", owner: StoreFixture.alice)
                let his = try await fixture.put("his", owner: StoreFixture.bob)
                try await fixture.allow([.select, .delete], where: .ownerIsCaller)

                #expect(await failure { try await fixture.delete("his", as: fixture.alice) }?.code == .accessDenied)
                let hidden = VersionID.id(try #require(his.version))
                #expect(
                    await failure { try await fixture.delete("his", version: hidden, as: fixture.alice) }?.code == .accessDenied)
                #expect(await failure { try await fixture.delete("none", as: fixture.alice) }?.refusal?.command == .insert)
                try await fixture.delete("hers", as: fixture.alice)
                try await fixture.allow([.insert], where: .keyStartsWith("free/"))
                #expect(await failure { try await fixture.delete("free/a", as: fixture.anon) }?.code == .accessDenied)
                #expect(try await fixture.delete("free/a", as: fixture.alice).marker != nil)

                #expect(
                    try await fixture.versions(of: [hers, his]) == [
                        "free/a marker latest", "hers marker latest", "hers v0", "his v1 latest",
                    ])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMoveTakesItsVersionAlongAndMarksThePlace(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                try await fixture.makeBucket("plain")
                let first = try await fixture.put("a")
                let second = try await fixture.put("a")
                _ = try await fixture.store.moveObject(
                    from: fixture.address("a"), to: fixture.address("b"), as: fixture.service)
                #expect(try await fixture.versions(of: [first, second]) == ["a marker latest", "a v0", "b v1 latest"])

                _ = try await fixture.store.moveObject(
                    from: fixture.address("b"), to: fixture.address("b", in: "plain"), as: fixture.service)
                #expect(try await fixture.versions(of: [second], in: "plain") == ["b v0 null latest"])
                _ = try await fixture.store.moveObject(
                    from: fixture.address("b", in: "plain"), to: fixture.address("b"), as: fixture.service)
                #expect(
                    try await fixture.versions(of: [first, second]) == [
                        "a marker latest", "a v0", "b v1 latest", "b marker",
                    ])

                // Its id moved away with "b": the older version comes back under another one.
                guard
                    case .deleteMarker(let marker, _) = try await fixture.store.version(
                        nil, at: fixture.address("a"), access: .policy(fixture.service))
                else {
                    Issue.record("no marker")
                    return
                }
                try await fixture.delete("a", version: marker)
                #expect(try await fixture.versions(of: [first, second]) == ["a v0 latest", "b v1 latest", "b marker"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsKeptIsNotSwept(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                try await fixture.adopt("b", version: "legacy")
                let records = [try await fixture.put("a"), try await fixture.put("a")]
                try await fixture.delete("a")
                try await fixture.delete("b")
                let later = Timestamp.now().adding(seconds: 60)

                #expect(try await fixture.store.queueUnreferencedBlobs(olderThan: later) == 0)
                let keys = blobKeys(of: records) + [BlobKey("legacy"), BlobKey("unknown")]
                #expect(try await fixture.store.unknownBlobs(among: keys, in: .managed) == [BlobKey("unknown")])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func emptyingABucketLeavesNoVersions(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeVersionedBucket()
                var records: [ObjectRecord] = []
                for key in ["a", "a", "b", "c", "c"] { records.append(try await fixture.put(key)) }
                try await fixture.delete("b")
                let later = Timestamp.now().adding(seconds: 60)
                var counts: [Int] = []
                repeat {
                    counts.append(
                        try await fixture.store.deleteObjects(in: bucket, createdBefore: later, limit: 4, facts: fixture.facts))
                } while counts.last == 4 && counts.count < 10

                #expect(counts == [4, 2])
                #expect(try await fixture.dueDeletions() == blobKeys(of: records))
                try await fixture.store.deleteBucket(bucket, as: fixture.service)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aLostObjectGivesWayToTheVersionBeforeIt(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                let first = try await fixture.put("a")
                let lost = try await fixture.put("a")
                let blob = try #require(try await fixture.blob(of: lost))
                #expect(try await fixture.store.dropLostObject(lost.id, version: lost.version, at: blob))

                #expect(try await fixture.versions(of: [first, lost]) == ["a v0 latest"])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [lost]))
            }
        }
    }
}

private func + (keys: Set<BlobKey>, more: [BlobKey]) -> [BlobKey] { Array(keys) + more }
