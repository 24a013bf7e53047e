// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// Moving the originals of a project to where its new ones go.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct StorageMigrationTests {
    private static let asset = "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z"

    private static let outage = StorageError(
        .originUnavailable, "The project's storage can't be used now", isRetryable: true)

    /// Runs the queue's jobs until there is nothing due.
    private func work(
        _ fixture: OwnStorageFixture, until isEnough: @escaping @Sendable () -> Bool = { false }
    ) async throws {
        let workers = JobWorkers(
            store: fixture.metadata, handlers: fixture.storage.jobHandlers, wake: WakeSignal(), name: "test",
            schedule: JobWorkers.Schedule(interval: .milliseconds(10), heartbeat: .milliseconds(10)),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run() }
            while try await fixture.isAtWork, !isEnough() { try await Task.sleep(for: .milliseconds(5)) }
            group.cancelAll()
        }
    }

    private func migrate(_ fixture: OwnStorageFixture) async throws -> Job {
        let job = try await fixture.backends.migrate(OwnStorageFixture.project, as: fixture.service)
        try await work(fixture)
        return try #require(try await fixture.metadata.job(job.id))
    }

    @Test func everyOriginalMovesAndIsReadAsBefore() async throws {
        let fixture = try await OwnStorageFixture()
        for number in 0..<20 { try await fixture.put("\(number)", at: "a/\(number)") }
        try await fixture.put("asset", at: Self.asset)
        let backend = try await fixture.configure()

        let job = try await migrate(fixture)

        #expect(job.status == .completed)
        #expect(job.progress == JobProgress(total: 21, processed: 21, succeeded: 21))
        #expect(fixture.own.count == 21 && fixture.own.keys.contains(BlobKey("media/shop/\(Self.asset)")))
        for number in 0..<20 {
            #expect(try await fixture.location(of: "a/\(number)")?.backend == backend)
            #expect(try await fixture.read("a/\(number)") == "\(number)")
        }
    }

    @Test func whatWasMovedStaysWhereItWasUntilNobodyReadsItThere() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.put("1", at: "a")
        try await fixture.configure()
        _ = try await migrate(fixture)

        try await fixture.upkeep.removeDeletedBlobs()
        #expect(fixture.managed.count == 1)

        fixture.clock.advance(seconds: 301)
        try await fixture.upkeep.removeDeletedBlobs()
        #expect(fixture.managed.count == 0)
        #expect(try await fixture.read("a") == "1")
    }

    @Test func itGoesBackToTheServersOwnStorageAsWell() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.put("before", at: "a")
        try await fixture.configure()
        _ = try await migrate(fixture)
        _ = try await fixture.backends.remove(of: OwnStorageFixture.project, as: fixture.service)

        let job = try await migrate(fixture)
        fixture.clock.advance(seconds: 301)
        try await fixture.upkeep.removeDeletedBlobs()

        #expect(job.status == .completed)
        #expect(try await fixture.location(of: "a")?.backend == .managed)
        #expect(try await fixture.read("a") == "before")
        #expect(fixture.own.count == 0 && fixture.managed.count == 1)
    }

    @Test func keptVersionsMoveToo() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.storage.buckets.changeSettings(
            of: OwnStorageFixture.project, BucketSettingsChanges(versioning: .enabled), as: fixture.service)
        let first = try await fixture.put("1", at: "a")
        try await fixture.put("2", at: "a", mode: .replace)
        let backend = try await fixture.configure()

        let job = try await migrate(fixture)

        #expect(job.progress.succeeded == 2)
        let version = VersionID.id(try #require(first.version))
        guard
            case .object(let kept, _) = try await fixture.metadata.version(
                version, at: fixture.address("a"), access: .policy(fixture.service))
        else {
            Issue.record("the version is gone")
            return
        }
        #expect(kept.blob?.backend == backend)
    }

    @Test func oneBucketByTwoNamesLosesNothing() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        try await fixture.put("1", at: Self.asset)
        var place = OwnStorageFixture.place
        place.endpoint = "https://s3.example.com"
        try await fixture.configure(.s3(place, .init(accessKeyID: "a", secretAccessKey: "s")))

        let job = try await migrate(fixture)
        fixture.clock.advance(seconds: 301)
        try await fixture.upkeep.removeDeletedBlobs()

        #expect(job.status == .completed)
        #expect(try await fixture.read(Self.asset) == "1")
    }

    @Test func damagedBytesDoNotMove() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.put("good", at: "a")
        try await fixture.put("bad", at: "b")
        let location = try #require(try await fixture.location(of: "b"))
        try await fixture.managed.delete([location.key])
        _ = try await fixture.managed.put(ByteStream(ByteBuffer(string: "BAD")), at: location.key)
        try await fixture.configure()

        let job = try await migrate(fixture)

        #expect(job.status == .completedWithErrors)
        #expect(job.progress == JobProgress(total: 2, processed: 2, succeeded: 1, failed: 1))
        #expect(job.recentErrors.map(\.key) == ["b"])
        #expect(try await fixture.location(of: "b") == location)
        try await fixture.upkeep.removeDeletedBlobs()
        #expect(fixture.own.count == 1)
    }

    @Test func anOutageIsWaitedFor() async throws {
        let fixture = try await OwnStorageFixture()
        for number in 0..<5 { try await fixture.put("\(number)", at: "\(number)") }
        try await fixture.configure()
        fixture.faults.fail(.put, with: Self.outage)
        let begun = try await fixture.backends.migrate(OwnStorageFixture.project, as: fixture.service)
        try await work(fixture) { fixture.faults.count(of: .put) > 1 }

        fixture.faults.heal()
        fixture.clock.advance(seconds: 1000)
        try await work(fixture)

        let job = try #require(try await fixture.metadata.job(begun.id))
        #expect(job.status == .completed && job.progress.succeeded == 5)
    }

    @Test func aMigrationNeedsSomewhereToMoveFrom() async throws {
        let fixture = try await OwnStorageFixture()
        await #expect(throws: StorageError.self) {
            _ = try await fixture.backends.migrate(OwnStorageFixture.project, as: fixture.service)
        }
    }

    @Test func onlyOneRunsAtATime() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        let first = try await fixture.backends.migrate(OwnStorageFixture.project, as: fixture.service)

        let error = await #expect(throws: StorageError.self) {
            _ = try await fixture.backends.migrate(OwnStorageFixture.project, as: fixture.service)
        }

        #expect(error?.code == .alreadyRunning && error?.resource == first.id.rawValue)
    }

    @Test func aChangeOfTheStorageEndsTheMigration() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.put("1", at: "a")
        try await fixture.configure()
        let begun = try await fixture.backends.migrate(OwnStorageFixture.project, as: fixture.service)
        fixture.faults.fail(.put, with: Self.outage)
        try await work(fixture) { fixture.faults.count(of: .put) > 1 }
        fixture.faults.heal()
        try await fixture.configure(
            .s3(BackendPlace.S3(bucket: "another"), .init(accessKeyID: "a", secretAccessKey: "s")))

        fixture.clock.advance(seconds: 1000)
        try await work(fixture)

        let job = try #require(try await fixture.metadata.job(begun.id))
        #expect(job.status == .failed && job.failure?.contains("was changed") == true)
        #expect(try await fixture.read("a") == "1")
    }
}
