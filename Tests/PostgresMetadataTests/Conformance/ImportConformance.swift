// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Files in projects' own stores that become originals where they are.
    @Suite struct Imports {
        private static let shop = BucketID(stored: "shop")

        private func makeBackend(_ bucket: String = "originals", in fixture: StoreFixture) async throws -> BackendID {
            if try await fixture.store.project(Self.shop, facts: fixture.facts) == nil {
                try await fixture.makeProject("shop")
            }
            let backend = Backend(
                project: nil, place: .s3(.init(bucket: bucket)), sealedCredentials: [1], configuredAt: Timestamp(seconds: 1))
            return try await fixture.store.useBackend(backend, of: Self.shop, as: fixture.service).id
        }

        /// An object whose blob was at a key of the store before anybody knew of it.
        private func adopted(_ key: String, at blob: String, in backend: BackendID, _ fixture: StoreFixture) -> NewObject {
            var object = fixture.newObject(key, in: "shop")
            object.blob = BlobLocation(backend: backend, key: BlobKey(blob), size: 3, md5: nil)
            object.isAdopted = true
            return object
        }

        private func commit(_ object: NewObject, _ fixture: StoreFixture) async -> StorageError.Code? {
            await failure { _ = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts) }?.code
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anAdoptedBlobNeedsNoReservation(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let object = adopted("a", at: "k", in: try await makeBackend(in: fixture), fixture)

                #expect(await commit(object, fixture) == nil)

                let read = try await fixture.store.object(at: object.address, access: .policy(fixture.service))
                #expect(read.blob == object.blob)
                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: 60)) == 0)
                _ = try await fixture.store.deleteObject(at: object.address, as: fixture.service)
                #expect(try await fixture.dueDeletions() == [BlobKey("k")])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatCouldNotBeAdoptedIsNobodysToDelete(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await makeBackend(in: fixture)
                try await fixture.put("taken", in: "shop")

                #expect(await commit(adopted("taken", at: "k", in: backend, fixture), fixture) == .objectExists)

                #expect(try await fixture.store.knownBlobs(among: [BlobKey("k")], in: [backend]).isEmpty)
                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: 60)) == 0)
                #expect(try await fixture.dueDeletions().isEmpty)
                #expect(await commit(adopted("free", at: "k", in: backend, fixture), fixture) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatRowsKnowIsNotAdopted(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await makeBackend(in: fixture)
                #expect(await commit(adopted("a", at: "a", in: backend, fixture), fixture) == nil)
                let gone = adopted("b", at: "b", in: backend, fixture)
                #expect(await commit(gone, fixture) == nil)
                _ = try await fixture.store.deleteObject(at: gone.address, as: fixture.service)
                _ = try await fixture.store.reserveBlob(
                    at: [BlobKey("c")], in: backend, for: ObjectVersion(), of: Self.shop)

                for key in ["a", "b", "c"] {
                    #expect(await commit(adopted("new", at: key, in: backend, fixture), fixture) == .objectExists, "\(key)")
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func nothingIsAdoptedInAStoreThatNobodyCouldRead(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await makeBackend(in: fixture)
                _ = try await fixture.store.leaveBackend(of: Self.shop, forgetsCredentials: true, as: fixture.service)

                #expect(await commit(adopted("a", at: "k", in: backend, fixture), fixture) == .backendUnavailable)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func keysAreKnownWhileAnythingMayBeAtThem(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (first, second) = (try await makeBackend(in: fixture), try await makeBackend("another", in: fixture))
                #expect(await commit(adopted("a", at: "blob", in: first, fixture), fixture) == nil)
                let gone = adopted("b", at: "deleted", in: second, fixture)
                #expect(await commit(gone, fixture) == nil)
                _ = try await fixture.store.deleteObject(at: gone.address, as: fixture.service)
                for key in ["reserved", "used"] {
                    _ = try await fixture.store.reserveBlob(
                        at: [BlobKey(key)], in: second, for: ObjectVersion(), of: Self.shop)
                }
                try await fixture.store.giveUpBlob(BlobKey("used"), in: second)
                let due = try await fixture.store.takeBlobDeletions(limit: 9).filter { $0.key == BlobKey("used") }
                try await fixture.store.finishBlobDeletions(due.map(\.id))
                let keys = ["blob", "deleted", "reserved", "used", "unknown", "b\u{e4}r %.jpg"].map { BlobKey($0) }

                let both = try await fixture.store.knownBlobs(among: keys, in: [first, second])
                let one = try await fixture.store.knownBlobs(among: keys, in: [first])

                #expect(both == Set(keys[..<4]) && one == [BlobKey("blob")])
                #expect(try await fixture.store.knownBlobs(among: keys, in: []).isEmpty)
                #expect(try await fixture.store.knownBlobs(among: [], in: [first]).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anAssetOfWhichNotAllIsKnownIsStillToBeLookedAt(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let object = try await fixture.put("a.png", in: "shop")

                let asset = try await fixture.record(object) { record in
                    record.originalFileName = "boot.png"
                    record.publicID = "boot"
                    record.isInspected = false
                }

                #expect(asset.originalFileName == "boot.png" && asset.publicID == "boot" && asset.facts == StoreFixture.image)
                #expect(asset.inspectedVersion == nil)
                #expect(try await fixture.inspections().contains(asset.id.rawValue))
                #expect(try await fixture.record(object).inspectedVersion == object.version)
                #expect(try await fixture.inspections().isEmpty)
            }
        }
    }
}
