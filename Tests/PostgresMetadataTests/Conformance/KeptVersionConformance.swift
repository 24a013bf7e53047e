// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// What upkeep and S3 ask of versions besides reading them.
    @Suite struct KeptVersions {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func comeInTheOrderInWhichTheyCeasedToBeCurrent(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket()
                var records: [ObjectRecord] = []
                for key in ["b", "a", "b", "a"] { records.append(try await fixture.put(key)) }
                try await fixture.delete("b")

                let first = try await fixture.store.keptVersions(after: nil, limit: 2)
                let rest = try await fixture.store.keptVersions(after: first.last?.sequence, limit: 10)

                let found = first + rest
                #expect(found.map(\.address.key.rawValue) == ["b", "a", "b"])
                #expect(found.map(\.id) == [records[0], records[1], records[2]].compactMap { $0.version.map { .id($0) } })
                #expect(found.compactMap(\.blob?.key.rawValue) == found.map(\.id.description))
                #expect(try await fixture.store.keptVersions(after: found.last?.sequence, limit: 10).isEmpty)
                #expect(try await fixture.store.keptVersions(after: nil, limit: 0).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func tellSinceWhenTheyAreKeptWhateverLiesAboveThem(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeVersionedBucket()
                let start = Timestamp.now().adding(seconds: -60)
                try await fixture.put("a")
                try await fixture.setVersioning(.suspended)
                var old = fixture.newObject("b")
                old.metadata = ObjectMetadata(lastModified: Timestamp(seconds: 1_000_000_000)).json
                _ = try await fixture.store.commitPut(old, mode: .create, facts: fixture.facts)
                try await fixture.delete("a")
                // It takes the place of the marker, which is a `null` version too.
                _ = try await fixture.store.moveObject(
                    from: old.address, to: fixture.address("a"), as: fixture.service)

                let page = try await fixture.store.versions(
                    matching: VersionQuery(prefix: "a"), in: bucket, as: fixture.service)
                let entries = page.items.compactMap { item in
                    if case .version(let entry) = item { entry } else { nil }
                }

                #expect(entries.map(\.isLatest) == [true, false])
                #expect(entries.first?.lastModified == Timestamp(seconds: 1_000_000_000))
                #expect(entries.first?.supersededAt == nil)
                #expect(try #require(entries.last?.supersededAt) > start)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theChecksumsOfPartsComeBackWithTheirVersion(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let checksums = PartChecksums(algorithm: "CRC32", values: ["AAAAAA==", "NSRBwg=="])
                var object = fixture.newObject("a")
                object.partChecksums = checksums
                let written = try await fixture.store.commitPut(object, mode: .create, facts: fixture.service.facts)
                let other = try await fixture.put("b")

                #expect(try await fixture.store.partChecksums(of: try #require(written.version)) == checksums)
                #expect(try await fixture.store.partChecksums(of: try #require(other.version)) == nil)
                #expect(try await fixture.store.partChecksums(of: ObjectVersion()) == nil)
            }
        }
    }
}
