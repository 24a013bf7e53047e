// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// What becomes of files in a project's own store.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct BucketImportTests {
    // MARK: What is imported

    @Test func aFileAtTheKeyOfAnAssetBecomesItWhereItIs() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add(ImportFixture.folder + ImportFixture.asset)

        let job = try await fixture.run()

        let asset = try #require(try await fixture.assets().first)
        #expect(asset.id.rawValue == ImportFixture.asset)
        let location = try await fixture.location(of: asset)
        #expect(location?.backend == fixture.backend && location?.key.rawValue == ImportFixture.folder + ImportFixture.asset)
        #expect(location?.md5 == nil && location?.size == 200)
        #expect(fixture.base.own.count == 1 && fixture.base.faults.count(of: .copy) == 0)
        #expect(job.status == .completed && job.progress == JobProgress(total: 1, processed: 1, succeeded: 1))
    }

    @Test(arguments: [
        "old/boot.jpg", "media/shop/boot.jpg", "media/shop/a/img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z", "media/shop/img_01J9",
    ])
    func ofAnyOtherImageACopyIsMadeAtTheRightKey(key: String) async throws {
        let fixture = try await ImportFixture()
        try await fixture.add(key, ImportFixture.jpeg(12, 34))

        try await fixture.run()

        let asset = try #require(try await fixture.assets().first)
        #expect(fixture.base.own.keys.map(\.rawValue).sorted() == [key, ImportFixture.folder + asset.id.rawValue].sorted())
        #expect(try await fixture.location(of: asset)?.key.rawValue == ImportFixture.folder + asset.id.rawValue)
        #expect(asset.id.rawValue.hasPrefix("img_") && asset.address.key.rawValue == asset.id.rawValue)
        #expect(try await fixture.base.read(asset.id.rawValue) == String(buffer: ImportFixture.jpeg(12, 34)))
    }

    @Test func anIDOfAnotherSortOrFormIsNoIDOfAnImage() async throws {
        let fixture = try await ImportFixture()
        let names = ["vid_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z", "img_01J9Q2B7ZK3V8M5T6R4W2X1YIL"]
        for name in names { try await fixture.add(ImportFixture.folder + name) }

        try await fixture.run()

        let ids = try await fixture.assets().map(\.id.rawValue)
        #expect(ids.count == 2 && ids.allSatisfy { $0.hasPrefix("img_") } && !ids.contains { names.contains($0) })
    }

    @Test func whatIsKnownOfAFileIsTakenDown() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("old/2020/Red Boot (1).jpg", ImportFixture.jpeg(640, 480))

        try await fixture.run(ImportOrder(prefix: "old/", folder: "/imported/2020/"))

        let asset = try #require(try await fixture.assets().first)
        #expect(asset.originalFileName == "Red Boot (1).jpg" && asset.publicID == "red-boot-1")
        #expect(asset.details.folder.rawValue == "imported/2020")
        #expect(asset.facts == AssetFacts(kind: .image, mediaType: "image/jpeg", size: 200, width: 640, height: 480))
        #expect(try await fixture.inspections().isEmpty, "there is nothing more to be found")
    }

    @Test func whatTheBeginningDoesNotSayIsLeftToTheInspection() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("a.jpg", ImportFixture.jpeg(markAt: 70_000, size: 80_000))
        try await fixture.add("b.webp", ImportFixture.webP(50, 60, size: 80_000))

        try await fixture.run()

        let assets = try await fixture.assets()
        #expect(assets.map(\.originalFileName) == ["a.jpg", "b.webp"])
        #expect(assets.map(\.facts.width) == [0, 50] && assets.map(\.facts.size) == [80_000, 80_000])
        #expect(assets.allSatisfy { $0.inspectedVersion == nil })
        #expect(Set(try await fixture.inspections()) == Set(assets.map(\.id.rawValue)))
    }

    @Test func noMoreThanTheBeginningOfAFileIsRead() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("a.jpg", ImportFixture.jpeg(size: 500_000))
        fixture.base.faults.fail(.get, at: .midStream(afterBytes: MediaKind.headLength))

        let job = try await fixture.run()

        #expect(job.progress.succeeded == 1)
    }

    @Test func whatIsNoImageIsSkipped() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("notes.txt", ByteBuffer(string: "not an image"))
        try await fixture.add("fake.jpg", ByteBuffer(string: "not an image either"))
        try await fixture.add("film.mp4", ByteBuffer(bytes: [0, 0, 0, 16] + Array("ftypisom0000isom".utf8)))
        try await fixture.add("empty.jpg", ByteBuffer())
        try await fixture.add("boot.jpg")

        let job = try await fixture.run()

        #expect(job.status == .completed)
        #expect(job.progress == JobProgress(total: 4, processed: 4, succeeded: 1), "what is empty is not even looked at")
        #expect(try await fixture.assets().count == 1)
    }

    @Test func onlyWhatLiesBelowThePrefixIsImported() async throws {
        let fixture = try await ImportFixture()
        for key in ["a/1.jpg", "b/2.jpg", "media/shop/3.jpg", "media/shops/4.jpg"] { try await fixture.add(key) }

        try await fixture.run(ImportOrder(prefix: "b"))
        #expect(try await fixture.assets().map(\.originalFileName) == ["2.jpg"])
        try await fixture.run(ImportOrder())
        #expect(try await fixture.assets().map(\.originalFileName) == ["2.jpg", "3.jpg"])
    }

    @Test func aDryRunCountsAndChangesNothing() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("boot.jpg")
        try await fixture.add(ImportFixture.folder + ImportFixture.asset)
        try await fixture.add("notes.txt", ByteBuffer(string: "not an image"))

        let job = try await fixture.run(ImportOrder(prefix: "", isDryRun: true))

        #expect(job.progress == JobProgress(total: 3, processed: 3, succeeded: 2))
        #expect(try await fixture.assets().isEmpty && fixture.base.own.count == 3)
    }

    // MARK: What is not imported again

    @Test func aSecondRunImportsNothing() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("boot.jpg")
        try await fixture.add(ImportFixture.folder + ImportFixture.asset)
        try await fixture.run()
        let keys = fixture.base.own.keys

        let job = try await fixture.run()

        #expect(job.status == .completed && job.progress == JobProgress(total: 0))
        #expect(try await fixture.assets().count == 2 && fixture.base.own.keys == keys)
    }

    @Test func whatWasUploadedOrIsOnItsWayIsLeftAlone() async throws {
        let fixture = try await ImportFixture()
        let image = String(buffer: ImportFixture.jpeg())
        try await fixture.base.put(image, at: ImportFixture.asset)
        try await fixture.base.put(image, at: "plain.jpg")
        try await fixture.base.put(image, at: "gone.jpg")
        try await fixture.base.storage.objects.delete(fixture.base.address("gone.jpg"), as: fixture.base.service)
        let reserved = BlobKey(ImportFixture.folder + "img_01J9Q2B7ZK3V8M5T6R4W2X1Y00")
        _ = try await fixture.base.metadata.reserveBlob(
            at: [reserved], in: fixture.backend, for: ObjectVersion(), of: OwnStorageFixture.project)
        try await fixture.add(reserved.rawValue)
        try await fixture.add(ImportFixture.folder + "magpie-check-\(ObjectVersion())")

        let job = try await fixture.run()

        #expect(job.progress == JobProgress(total: 0))
        #expect(fixture.base.metadata.allObjects.count == 2)
    }

    @Test func aFileWhoseAssetHasItsBytesElsewhereIsKnown() async throws {
        let fixture = try await ImportFixture()
        _ = try await fixture.base.backends.remove(of: OwnStorageFixture.project, as: fixture.base.service)
        try await fixture.base.put("managed", at: ImportFixture.asset)
        try await fixture.base.configure()
        try await fixture.add(ImportFixture.folder + ImportFixture.asset)

        let job = try await fixture.run()

        #expect(job.progress == JobProgress(total: 0) && fixture.base.own.count == 1)
        #expect(try await fixture.base.read(ImportFixture.asset) == "managed")
    }

    @Test func blobsOfTheSameBucketByAnotherPrefixAreKnown() async throws {
        let fixture = try await ImportFixture()
        try await fixture.base.put(String(buffer: ImportFixture.jpeg()), at: ImportFixture.asset)
        var place = OwnStorageFixture.place
        place.pathPrefix = "elsewhere/"
        try await fixture.base.configure(.s3(place, .init(accessKeyID: "a", secretAccessKey: "s")))

        let job = try await fixture.run()

        #expect(job.progress == JobProgress(total: 0))
        #expect(fixture.base.metadata.allObjects.count == 1)
    }

    @Test func anImportedAssetThatWasMovedIsKnown() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("boot.jpg")
        try await fixture.run()
        let asset = try #require(try await fixture.assets().first)
        try await fixture.base.storage.objects.move(
            from: asset.address, to: fixture.base.address("elsewhere.jpg"), alphabet: .utf8, as: fixture.base.service)

        let job = try await fixture.run()

        #expect(job.progress == JobProgress(total: 0))
        #expect(try await fixture.assets().map(\.id) == [asset.id])
    }

    @Test func anAssetThatWasDeletedComesBackAsLongAsItsSourceIsThere() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("boot.jpg")
        try await fixture.run()
        let asset = try #require(try await fixture.assets().first)
        try await fixture.base.storage.assets.delete(asset.id.rawValue, in: OwnStorageFixture.project, as: fixture.base.service)
        try await fixture.base.upkeep.removeDeletedBlobs()
        #expect(fixture.base.own.keys == [BlobKey("boot.jpg")], "the source is nobody's to delete")

        let job = try await fixture.run()

        #expect(job.progress.succeeded == 1)
        #expect(try await fixture.assets().map(\.id) == [asset.id])
    }
}
