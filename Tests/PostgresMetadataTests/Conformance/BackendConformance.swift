// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Backends {
        private static let shop = BucketID(stored: "shop")

        private static func backend(
            _ bucket: String = "originals", prefix: String = "media/", region: String = "eu-west-1", at seconds: Int64 = 1
        ) -> Backend {
            Backend(
                project: nil, place: .s3(.init(bucket: bucket, region: region, pathPrefix: prefix)),
                sealedCredentials: [0, 1, 0xFF], configuredAt: Timestamp(seconds: seconds))
        }

        /// A project with a store of its own.
        private func use(
            _ backend: Backend = Self.backend(), in fixture: StoreFixture, by caller: Caller? = nil
        ) async throws -> Backend {
            if try await fixture.store.project(Self.shop, facts: fixture.facts) == nil {
                let project = Project(id: Self.shop, plan: Plan(.pro), createdAt: Timestamp(seconds: 1))
                _ = try await fixture.store.createProject(project, isPublic: true, keys: [])
            }
            return try await fixture.store.useBackend(backend, of: Self.shop, as: caller ?? fixture.service)
        }

        /// A row whose blob is at a key of the store.
        private func object(_ key: String, at blob: BlobKey, in backend: BackendID, fixture: StoreFixture) -> NewObject {
            var object = fixture.newObject(key, in: "shop")
            object.blob.backend = backend
            object.blob.key = blob
            return object
        }

        private func reserve(_ key: String, for object: NewObject, in fixture: StoreFixture) async throws -> BlobKey? {
            try await fixture.store.reserveBlob(
                at: [BlobKey(key)], in: object.blob.backend, for: object.version, of: Self.shop)
        }

        // MARK: Rows

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aStoreIsUsedAndLeft(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)

                #expect(backend.project == Self.shop && backend.revision == 1 && backend.id.isOwn)
                #expect(try await fixture.store.backend(backend.id) == backend)
                #expect(try await fixture.store.currentBackend(of: Self.shop, facts: fixture.facts) == backend)
                let rules = try await fixture.store.bucketRules(Self.shop, facts: fixture.facts)
                #expect(rules.ownStorage == BucketStorage(backend: backend.id, pathPrefix: "media/"))

                let hadOne = try await fixture.store.leaveBackend(
                    of: Self.shop, forgetsCredentials: false, as: fixture.service)
                let hadAnother = try await fixture.store.leaveBackend(
                    of: Self.shop, forgetsCredentials: false, as: fixture.service)

                #expect(hadOne && !hadAnother)
                #expect(try await fixture.store.bucketRules(Self.shop, facts: fixture.facts).ownStorage == nil)
                #expect(try await fixture.store.currentBackend(of: Self.shop, facts: fixture.facts) == nil)
                #expect(try await fixture.store.backend(backend.id) == backend)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theSamePlaceIsTheSameStoreAgain(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let first = try await use(in: fixture)
                let other = try await use(Self.backend("elsewhere", at: 2), in: fixture)
                var changed = Self.backend(region: "eu-west-2", at: 3)
                changed.sealedCredentials = [9]

                let again = try await use(changed, in: fixture)

                #expect(again.id == first.id && again.revision == 2 && again.sealedCredentials == [9])
                #expect(again.place == changed.place)
                #expect(try await fixture.store.currentBackend(of: Self.shop, facts: fixture.facts) == again)
                let all = try await fixture.store.backends(of: Self.shop)
                #expect(all.map(\.backend.id) == [other.id, first.id] && all.map(\.isCurrent) == [false, true])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyThoseWhoMayChangeTheProjectUseAndLeaveStores(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await use(in: fixture)
                func codes() async -> [StorageError.Code?] {
                    [
                        await failure { _ = try await use(Self.backend("mine"), in: fixture, by: fixture.alice) }?.code,
                        await failure {
                            _ = try await fixture.store.leaveBackend(
                                of: Self.shop, forgetsCredentials: true, as: fixture.alice)
                        }?.code,
                    ]
                }

                #expect(await codes() == [.bucketNotFound, .bucketNotFound])
                try await fixture.allow([.select], on: .buckets)
                #expect(await codes() == [.accessDenied, .accessDenied])
                #expect(try await fixture.store.backends(of: nil).count == 1)
                try await fixture.allow([.update], on: .buckets)
                #expect(await codes() == [nil, nil])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func forgottenCredentialsAreGoneEverywhere(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let former = try await use(in: fixture)
                let current = try await use(Self.backend("elsewhere"), in: fixture)

                _ = try await fixture.store.leaveBackend(of: Self.shop, forgetsCredentials: true, as: fixture.service)

                for id in [former.id, current.id] {
                    let row = try #require(try await fixture.store.backend(id))
                    #expect(row.sealedCredentials == nil && row.revision == 2)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func healthIsTakenDown(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let ill = BackendHealth(checkedAt: Timestamp(seconds: 5), failure: "403 AccessDenied")

                try await fixture.store.recordHealth(ill, of: backend.id)

                #expect(try await fixture.store.backend(backend.id)?.health == ill)
                let well = BackendHealth(checkedAt: Timestamp(seconds: 6))
                try await fixture.store.recordHealth(well, of: backend.id)
                #expect(try await fixture.store.backend(backend.id)?.health == well)
                #expect(try await fixture.store.backend(backend.id)?.revision == 1)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func changesOfAStoreAreReportedAndHealthIsNot(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let (changes, continuation) = AsyncStream.makeStream(of: MetadataChange.self)
                let store = fixture.store
                let watching = Task { try await store.watch { continuation.yield($0) } }
                for await change in changes where change == .tracking { break }

                try await fixture.store.recordHealth(BackendHealth(checkedAt: .now()), of: backend.id)
                _ = try await use(in: fixture)

                var seen: [MetadataChange] = []
                for await change in changes {
                    if case .backend = change {
                        seen.append(change)
                        break
                    }
                }
                #expect(seen == [.backend(backend.id)])
                watching.cancel()
                _ = await watching.result
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aStoreOutlivesItsProjectUntilItHoldsNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let object = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                _ = try await reserve("k", for: object, in: fixture)
                let record = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts)
                _ = try await fixture.store.deleteObject(at: record.address, as: fixture.service)
                try await fixture.store.deleteProject(Self.shop)
                let later = Timestamp.now().adding(seconds: 60)

                #expect(try await fixture.store.backend(backend.id)?.project == nil)
                #expect(try await fixture.store.removeUnusedBackends(before: later) == 0)
                let due = try await fixture.store.takeBlobDeletions(in: backend.id, limit: 9)
                #expect(due.map(\.key) == [BlobKey("k")])
                try await fixture.store.finishBlobDeletions(due.map(\.id))

                #expect(try await fixture.store.removeUnusedBackends(before: later) == 1)
                #expect(try await fixture.store.backend(backend.id) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFormerStoreOfAProjectStays(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                _ = try await use(in: fixture)
                _ = try await fixture.store.leaveBackend(of: Self.shop, forgetsCredentials: false, as: fixture.service)

                #expect(try await fixture.store.removeUnusedBackends(before: .now().adding(seconds: 60)) == 0)
            }
        }

        // MARK: Keys

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aReservedKeyIsNobodyElses(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                func reserve(_ keys: String...) async throws -> String? {
                    try await fixture.store.reserveBlob(
                        at: keys.map { BlobKey($0) }, in: backend.id, for: ObjectVersion(), of: Self.shop)?.rawValue
                }

                #expect(try await reserve("a", "a.1") == "a")
                #expect(try await reserve("a", "a.1") == "a.1")
                #expect(try await reserve("a", "a.1") == nil)
                #expect(try await reserve("b") == "b")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyIsNotGivenOutAgainWhileAnythingMayHappenToIt(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let object = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                func isFree() async throws -> Bool { try await reserve("k", for: object, in: fixture) != nil }
                #expect(try await isFree())

                let record = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts)
                #expect(try await !isFree(), "a blob is there")
                _ = try await fixture.store.deleteObject(at: record.address, as: fixture.service)
                #expect(try await !isFree(), "its deletion is requested")
                let due = try await fixture.store.takeBlobDeletions(limit: 9)
                try await fixture.store.finishBlobDeletions(due.map(\.id))
                #expect(try await !isFree(), "somebody may still be deleting it")

                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: 86_400 + 60)) == 0)
                #expect(try await isFree(), "a day later nobody is")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRowEndsItsReservation(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let object = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                _ = try await reserve("k", for: object, in: fixture)

                _ = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts)

                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: 60)) == 0)
                let read = try await fixture.store.object(at: object.address, access: .policy(fixture.service))
                #expect(read.blob == object.blob)
                let contents = try #require(try await fixture.store.backends(of: Self.shop).first)
                #expect(contents.blobs == 1 && contents.bytes == 3 && contents.deletions == 0)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRowWithoutItsReservationIsRefused(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let never = object("a", at: BlobKey("never"), in: backend.id, fixture: fixture)
                let another = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                _ = try await reserve("k", for: object("b", at: BlobKey("k"), in: backend.id, fixture: fixture), in: fixture)
                let givenUp = object("a", at: BlobKey("gone"), in: backend.id, fixture: fixture)
                _ = try await reserve("gone", for: givenUp, in: fixture)
                try await fixture.store.giveUpBlob(BlobKey("gone"), in: backend.id)

                for object in [never, another, givenUp] {
                    let code = await failure {
                        _ = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts)
                    }?.code
                    #expect(code == .backendUnavailable, "\(object.blob.key)")
                }

                #expect(try await fixture.store.countObjects(in: Self.shop, upTo: 9, facts: fixture.facts) == 0)
                #expect(try await fixture.dueDeletions() == [BlobKey("gone")])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func nothingIsWrittenToAStoreThatNobodyCouldRead(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                try await fixture.makeBucket("other")
                let object = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                _ = try await reserve("k", for: object, in: fixture)
                var stranger = object
                stranger.address = fixture.address("a", in: "other")

                func commit(_ object: NewObject) async -> StorageError.Code? {
                    await failure { _ = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts) }?.code
                }
                let ofStranger = await commit(stranger)
                _ = try await fixture.store.leaveBackend(of: Self.shop, forgetsCredentials: true, as: fixture.service)
                let ofForgotten = await commit(object)
                let reserved = await failure { _ = try await reserve("x", for: object, in: fixture) }?.code

                #expect(ofStranger == .backendUnavailable && ofForgotten == .backendUnavailable)
                #expect(reserved == .backendUnavailable)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBlobThatWasUnderWayWhenItsStoreWasLeftStillLandsThere(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let object = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                _ = try await reserve("k", for: object, in: fixture)
                _ = try await fixture.store.leaveBackend(of: Self.shop, forgetsCredentials: false, as: fixture.service)

                _ = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts)

                let read = try await fixture.store.object(at: object.address, access: .policy(fixture.service))
                #expect(read.blob?.backend == backend.id)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func oldReservationsAreGivenUp(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let object = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                _ = try await reserve("k", for: object, in: fixture)

                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: -60)) == 0)
                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: 60)) == 1)

                let due = try await fixture.store.takeBlobDeletions(limit: 9)
                #expect(due.map(\.key) == [BlobKey("k")] && due.map(\.backend) == [backend.id])
                #expect(due.map(\.version) == [object.version])
            }
        }

        // MARK: Queues

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func eachBackendHasItsOwnQueue(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let object = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                _ = try await reserve("k", for: object, in: fixture)
                try await fixture.store.giveUpBlob(BlobKey("k"), in: backend.id)
                try await fixture.deleteNewObjects(["x", "y"])

                #expect(try await fixture.store.backendsWithDeletions() == [backend.id, .managed])
                #expect(try await fixture.store.takeBlobDeletions(in: .managed, limit: 9).count == 2)
                #expect(try await fixture.store.backendsWithDeletions() == [backend.id])
                let own = try await fixture.store.takeBlobDeletions(in: backend.id, limit: 9)
                #expect(own.map(\.key) == [BlobKey("k")])
                #expect(try await fixture.store.backendsWithDeletions().isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyThatIsForgoneIsNeitherGivenOutNorDeleted(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let object = object("a", at: BlobKey("k"), in: backend.id, fixture: fixture)
                _ = try await reserve("k", for: object, in: fixture)

                try await fixture.store.forgoBlob(BlobKey("k"), in: backend.id)

                #expect(try await reserve("k", for: object, in: fixture) == nil)
                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: 10)) == 0)
                #expect(try await fixture.store.takeBlobDeletions(in: nil, limit: 10).isEmpty)
            }
        }

        // MARK: Moving

        /// An object on the server's own disk.
        private func managed(_ key: String, in fixture: StoreFixture) async throws -> MovableBlob {
            let object = fixture.newObject(key, in: "shop")
            _ = try await fixture.store.commitPut(object, mode: .replace, facts: fixture.facts)
            return MovableBlob(address: object.address, version: object.version, location: object.blob)
        }

        private func move(_ blob: MovableBlob, to backend: BackendID, in fixture: StoreFixture) async throws -> Bool {
            let key = try #require(
                try await fixture.store.reserveBlob(
                    at: [BlobKey("media/shop/\(blob.version)")], in: backend, for: blob.version, of: Self.shop))
            return try await fixture.store.moveBlob(blob, to: key, in: backend, keepingSourceFor: 0)
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatIsElsewhereIsListedOnceInPages(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                var expected: [MovableBlob] = []
                for key in ["B", "a", "a/b", "z"] { expected.append(try await managed(key, in: fixture)) }
                _ = try await move(expected.remove(at: 2), to: backend.id, in: fixture)

                var found: [MovableBlob] = []
                var cursor: MovableBlob.Cursor? = .start
                while let place = cursor {
                    let page = try await fixture.store.movableBlobs(of: Self.shop, to: backend.id, after: place, limit: 2)
                    #expect(page.blobs.count <= 2)
                    found += page.blobs
                    cursor = page.next
                }

                #expect(found == expected)
                #expect(try await fixture.store.countMovableBlobs(of: Self.shop, to: backend.id) == 3)
                #expect(try await fixture.store.countMovableBlobs(of: Self.shop, to: .managed) == 1)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func keptVersionsAreListedBehindCurrentOnes(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                _ = try await fixture.store.updateBucketSettings(
                    Self.shop, changes: BucketSettingsChanges(versioning: .enabled), as: fixture.service)
                let first = try await managed("a", in: fixture)
                let second = try await managed("a", in: fixture)
                let other = try await managed("b", in: fixture)

                var found: [MovableBlob] = []
                var cursor: MovableBlob.Cursor? = .start
                while let place = cursor {
                    let page = try await fixture.store.movableBlobs(of: Self.shop, to: backend.id, after: place, limit: 1)
                    found += page.blobs
                    cursor = page.next
                }
                #expect(found == [second, other, first])
                #expect(try await move(first, to: backend.id, in: fixture))
                #expect(try await fixture.store.countMovableBlobs(of: Self.shop, to: backend.id) == 2)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aMovedBlobIsAtItsNewPlaceAndItsOldOneIsDeletedLater(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let blob = try await managed("a", in: fixture)

                let isMoved = try await move(blob, to: backend.id, in: fixture)

                #expect(isMoved)
                let object = try await fixture.store.visibleObject(at: blob.address, as: fixture.service)
                #expect(object.record.version == blob.version)
                #expect(object.blob?.backend == backend.id)
                #expect(object.blob?.key == BlobKey("media/shop/\(blob.version)"))
                #expect(object.blob?.md5 == blob.location.md5 && object.blob?.size == blob.location.size)
                let deletions = try await fixture.store.takeBlobDeletions(in: .managed, limit: 10)
                #expect(deletions.map(\.key) == [blob.location.key] && deletions.map(\.endsVersion) == [false])
                try await fixture.store.finishBlobDeletions(deletions.map(\.id))
                #expect(try await fixture.store.visibleObject(at: blob.address, as: fixture.service).blob == object.blob)
                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: 10)) == 0)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatKeepsItsSourceIsNotDeletedBefore(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let blob = try await managed("a", in: fixture)
                let key = try #require(
                    try await fixture.store.reserveBlob(
                        at: [BlobKey("k")], in: backend.id, for: blob.version, of: Self.shop))

                _ = try await fixture.store.moveBlob(blob, to: key, in: backend.id, keepingSourceFor: 3600)

                #expect(try await fixture.store.takeBlobDeletions(in: nil, limit: 10).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatWasReplacedOrDeletedMeanwhileDoesNotMove(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let replaced = try await managed("a", in: fixture)
                let current = try await managed("a", in: fixture)
                let deleted = try await managed("b", in: fixture)
                _ = try await fixture.store.deleteObjects([deleted.address.key], in: Self.shop, as: fixture.service)

                #expect(try await !move(replaced, to: backend.id, in: fixture))
                #expect(try await !move(deleted, to: backend.id, in: fixture))

                #expect(
                    try await fixture.store.visibleObject(at: current.address, as: fixture.service).blob == current.location)
                #expect(try await fixture.store.giveUpBlobs(reservedBefore: .now().adding(seconds: 10)) == 2)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aCopyWhoseReservationIsGoneIsNotWhereTheObjectIs(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let backend = try await use(in: fixture)
                let blob = try await managed("a", in: fixture)

                let error = await failure {
                    _ = try await fixture.store.moveBlob(blob, to: BlobKey("k"), in: backend.id, keepingSourceFor: 0)
                }

                #expect(error?.code == .backendUnavailable)
                #expect(try await fixture.store.visibleObject(at: blob.address, as: fixture.service).blob == blob.location)
                #expect(try await fixture.store.takeBlobDeletions(in: nil, limit: 10).isEmpty)
            }
        }
    }
}
