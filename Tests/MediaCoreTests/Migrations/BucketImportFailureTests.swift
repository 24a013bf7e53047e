// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// Imports that are cut short, refused or cancelled.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct BucketImportFailureTests {
    private static let refused = StorageError(.originUnavailable, "The project's storage can't be used now")

    @Test func anAdoptedFileBelongsToItsAssetFromThenOn() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add(ImportFixture.folder + ImportFixture.asset)
        try await fixture.run()

        try await fixture.base.storage.assets.delete(
            ImportFixture.asset, in: OwnStorageFixture.project, as: fixture.base.service)
        try await fixture.base.upkeep.removeDeletedBlobs()

        #expect(fixture.base.own.count == 0)
    }

    @Test func aFileThatCouldNotBeAdoptedStaysItsOwners() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add(ImportFixture.folder + ImportFixture.asset)
        let location = BlobLocation(
            backend: fixture.backend, key: BlobKey(ImportFixture.folder + ImportFixture.asset), size: 200, md5: nil)
        let address = fixture.base.address(ImportFixture.asset)
        let object = try await fixture.base.storage.objects.newObject(
            of: ImportedBytes(location: location, mediaType: "image/jpeg", isInPlace: true), at: address, as: fixture.base.service
        )
        // Somebody stores an object there while the file is looked at.
        _ = try await fixture.base.backends.remove(of: OwnStorageFixture.project, as: fixture.base.service)
        try await fixture.base.put("faster", at: ImportFixture.asset)

        let code = await errorCode {
            _ = try await fixture.base.storage.objects.commit(object, mode: .create, facts: CoreFixture.facts)
        }

        #expect(code == .objectExists)
        _ = try await fixture.base.metadata.giveUpBlobs(reservedBefore: .now().adding(seconds: 86_400))
        try await fixture.base.upkeep.removeDeletedBlobs()
        #expect(fixture.base.own.keys.contains(location.key))
    }

    @Test func anOutageIsWaitedFor() async throws {
        let fixture = try await ImportFixture()
        for number in 0..<20 { try await fixture.add("old/\(number).jpg") }
        fixture.base.faults.fail(
            .get, after: 10, times: 1,
            with: StorageError(.originTimedOut, "The project's storage does not answer", isRetryable: true))
        let id = try await fixture.begin()

        let job = try await fixture.work {
            let waiting = try await fixture.job(id) { $0.status == .pending && $0.attempts == 1 }
            #expect(waiting.failure == "The project's storage does not answer")
            fixture.clock.advance(seconds: 3600)
            return try await fixture.job(id) { $0.status.isFinal }
        }

        #expect(job.status == .completed && job.progress == JobProgress(total: 20, processed: 20, succeeded: 20))
        #expect(try await fixture.assets().count == 20)
        #expect(fixture.base.own.count == 40)
    }

    @Test func anImportGoesOnBehindItsCheckpoint() async throws {
        let fixture = try await ImportFixture()
        for number in 0..<600 { try await fixture.add("old/\(number).jpg") }
        fixture.base.faults.fail(
            .list, after: 1, times: 1, with: StorageError(.originUnavailable, "out of reach", isRetryable: true))
        let id = try await fixture.begin(ImportOrder(prefix: "old/"))
        let reads = fixture.base.faults.count(of: .get)

        let job = try await fixture.work {
            _ = try await fixture.job(id) { $0.status == .pending && $0.checkpoint != nil }
            fixture.clock.advance(seconds: 3600)
            return try await fixture.job(id) { $0.status.isFinal }
        }

        #expect(job.progress == JobProgress(total: 600, processed: 600, succeeded: 600))
        #expect(try await fixture.assets().count == 600)
        #expect(fixture.base.faults.count(of: .get) == reads + 600, "nothing was read twice")
    }

    @Test func whatACrashCutShortIsCompleted() async throws {
        let fixture = try await ImportFixture()
        try await fixture.add("boot.jpg", ImportFixture.jpeg(7, 8))
        let id = try await fixture.begin(ImportOrder(prefix: "", folder: "new"))
        // As an attempt leaves it that crashed between the object and what is known of it.
        let candidate = ImportCandidate(
            try #require(try await fixture.base.own.list(prefix: "boot", after: nil, limit: 1).blobs.first),
            in: .s3(OwnStorageFixture.place), folder: ImportFixture.folder, of: OwnStorageFixture.project)
        let location = BlobLocation(backend: fixture.backend, key: BlobKey("boot.jpg"), size: 200, md5: nil)
        let object = try await fixture.base.storage.objects.newObject(
            of: ImportedBytes(location: location, mediaType: "image/jpeg", isInPlace: false), at: candidate.address,
            as: fixture.base.service)
        _ = try await fixture.base.storage.objects.commit(object, mode: .create, facts: CoreFixture.facts)
        let taken = try #require(
            try await fixture.base.metadata.takeJob(
                of: [.bucketImport], sparing: SparedJobs(), worker: "crashed", lease: 10))
        let checkpoint = try JSONEncoder().encode(BucketImport.Checkpoint(backend: fixture.backend.rawValue))
        _ = try await fixture.base.metadata.renewJob(
            taken.lease, forSeconds: 10, report: JobReport(),
            checkpoint: JSONText(trusted: String(decoding: checkpoint, as: UTF8.self)))
        fixture.clock.advance(seconds: 60)

        let job = try await fixture.work { try await fixture.job(id) { $0.status.isFinal } }

        #expect(job.progress == JobProgress(total: 1, processed: 1, succeeded: 1))
        let asset = try #require(try await fixture.assets().first)
        #expect(asset.originalFileName == "boot.jpg" && asset.facts.width == 7 && asset.details.folder.rawValue == "new")
        #expect(fixture.base.own.count == 2)
    }

    @Test func copiesInFrontOfTheirSourcesAreNoFilesOfTheirOwn() async throws {
        let fixture = try await ImportFixture()
        for number in 0..<600 { try await fixture.add(ImportFixture.folder + "photo \(number).jpg") }
        try await fixture.add(ImportFixture.folder + ImportFixture.asset)
        fixture.base.faults.fail(
            .copy, after: 450, times: 1, with: StorageError(.originUnavailable, "out of reach", isRetryable: true))
        let id = try await fixture.begin(ImportOrder())

        let job = try await fixture.work {
            _ = try await fixture.job(id) { $0.status == .pending && $0.attempts == 1 }
            fixture.clock.advance(seconds: 3600)
            return try await fixture.job(id) { $0.status.isFinal }
        }

        #expect(job.progress == JobProgress(total: 601, processed: 601, succeeded: 601))
        let names = try await fixture.assets().map(\.originalFileName)
        #expect(names.count == 601 && Set(names).count == 601 && names.contains(ImportFixture.asset))
    }

    @Test func oneFileThatCantBeHadDoesNotStopTheOthers() async throws {
        let fixture = try await ImportFixture()
        for number in 0..<5 { try await fixture.add("\(number).jpg") }
        fixture.base.faults.fail(.get, after: 2, times: 1, with: Self.refused)

        let job = try await fixture.run()

        #expect(job.status == .completedWithErrors)
        #expect(job.progress == JobProgress(total: 5, processed: 5, succeeded: 4, failed: 1))
        #expect(job.recentErrors.count == 1 && job.recentErrors[0].message == Self.refused.message)
        #expect(try await fixture.assets().count == 4)
    }

    @Test(
        arguments: [
            ("broken.jpg", ByteBuffer(bytes: [0xFF, 0xD8, 0xFF, 0])), ("large.jpg", ImportFixture.jpeg(20_000, 3)),
            ("heavy.jpg", ImportFixture.jpeg(size: 2 << 20)),
        ])
    func whatNoUploadCouldBeIsCountedAsFailed(key: String, bytes: ByteBuffer) async throws {
        let fixture = try await ImportFixture()
        try await fixture.add(key, bytes)
        try await fixture.add("good.jpg")

        let job = try await fixture.run()

        #expect(job.status == .completedWithErrors && job.progress.succeeded == 1 && job.progress.failed == 1)
        #expect(job.recentErrors.map(\.key) == [key])
        #expect(try await fixture.assets().map(\.originalFileName) == ["good.jpg"])
        #expect(fixture.base.own.count == 3, "nothing was copied in vain")
    }

    @Test func aCancelledImportEnds() async throws {
        let fixture = try await ImportFixture()
        for number in 0..<600 { try await fixture.add("old/\(number).jpg") }
        let id = try await fixture.begin(ImportOrder(prefix: "old/"))

        let job = try await fixture.work {
            _ = try await fixture.job(id) { $0.checkpoint != nil || $0.progress.processed > 0 }
            _ = try await fixture.base.metadata.cancelJob(id)
            return try await fixture.job(id) { $0.status.isFinal }
        }

        #expect(job.status == .cancelled)
        let assets = try await fixture.assets()
        #expect(assets.allSatisfy { $0.originalFileName != nil }, "what was begun was brought to its end")
    }

    @Test func anotherStoreThanItWasBegunWithEndsAnImport() async throws {
        let fixture = try await ImportFixture()
        for number in 0..<600 { try await fixture.add("old/\(number).jpg") }
        fixture.base.faults.fail(
            .list, after: 1, times: 1, with: StorageError(.originUnavailable, "out of reach", isRetryable: true))
        let id = try await fixture.begin()

        let job = try await fixture.work {
            _ = try await fixture.job(id) { $0.status == .pending && $0.checkpoint != nil }
            var place = OwnStorageFixture.place
            place.bucket = "another"
            try await fixture.base.configure(.s3(place, .init(accessKeyID: "a", secretAccessKey: "s")))
            fixture.clock.advance(seconds: 3600)
            return try await fixture.job(id) { $0.status.isFinal }
        }

        #expect(job.status == .failed && job.failure?.contains("storage was changed") == true)
    }
}
