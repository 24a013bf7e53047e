// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Versions that a project's bucket keeps, in its totals.
    @Suite struct KeptTotals {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func countKeptVersionsUntilTheyAreForgotten(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                try await fixture.setVersioning(.enabled, of: "shop")
                let first = try await fixture.put("a.png", in: "shop")
                try await fixture.put("a.png", in: "shop")
                #expect(try await fixture.totals() == ProjectTotals(objects: 1, bytes: 6))

                // Under a delete marker nothing is gone.
                _ = try await fixture.store.deleteObject(at: fixture.address("a.png", in: "shop"), as: fixture.service)
                #expect(try await fixture.totals() == ProjectTotals(objects: 0, bytes: 6))
                let today = UsageDay(.now())
                try await fixture.store.recordStorage(on: today)
                let usage = try await fixture.store.usage(of: project, from: today, through: today)
                #expect(usage.map(\.storageBytes) == [6])

                let deletion = ObjectDeletion(key: first.address.key, version: .id(try #require(first.version)))
                _ = try await fixture.store.delete(deletion, in: project, as: fixture.service)
                #expect(try await fixture.totals() == ProjectTotals(objects: 0, bytes: 3))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func countWhatABucketKeptBeforeItBecameAProject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeVersionedBucket("shop")
                try await fixture.put("a.png", in: "shop")
                try await fixture.put("a.png", in: "shop")
                try await fixture.put("b.png", in: "shop")
                try await fixture.makeProject()
                #expect(try await fixture.totals() == ProjectTotals(objects: 2, bytes: 9))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func followSuspendedVersioning(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.setVersioning(.enabled, of: "shop")
                try await fixture.put("a.png", in: "shop")
                try await fixture.setVersioning(.suspended, of: "shop")
                try await fixture.put("a.png", in: "shop")
                try await fixture.put("a.png", in: "shop")
                #expect(try await fixture.totals() == ProjectTotals(objects: 1, bytes: 6))
            }
        }
    }
}
