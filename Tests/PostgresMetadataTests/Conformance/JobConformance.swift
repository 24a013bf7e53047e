// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// The durable queue.
    @Suite struct Jobs {
        private static let kind = JobKind("eps")
        private static let report = JobReport(progress: JobProgress(total: 3, processed: 2, succeeded: 1, failed: 1))

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aNewJobIsPendingAndReadAsWritten(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let new = NewJob(
                    Self.kind, bucket: bucket, subject: "eps_1", payload: JSONText(trusted: "[1]"), priority: 3, maxAttempts: 7)

                let enqueued = try await fixture.store.enqueueJob(new, facts: fixture.facts)

                #expect(enqueued.isNew)
                let job = try #require(try await fixture.store.job(enqueued.job.id))
                #expect(job == enqueued.job)
                #expect((job.kind, job.bucket, job.subject) == (Self.kind, bucket, "eps_1"))
                #expect(job.payload.rawValue == "[1]")
                #expect((job.priority, job.attempts, job.maxAttempts) == (3, 0, 7))
                #expect(job.status == .pending && job.progress == JobProgress() && job.recentErrors.isEmpty)
                #expect(job.checkpoint == nil && job.startedAt == nil && job.completedAt == nil && job.failure == nil)
                #expect(!job.isCancelRequested)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aJobOfNoBucketIsTheServersOwn(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.enqueue(NewJob(Self.kind))
                #expect(try await fixture.take()?.job.id == id)
                let missing = await failure { try await fixture.enqueue(NewJob(Self.kind, bucket: BucketID(stored: "none"))) }
                #expect(missing?.code == .relatedResourceMissing)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func sparedJobsAreLeftForOthers(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (busy, idle) = (try await fixture.makeBucket("busy"), try await fixture.makeBucket("idle"))
                let inspect = JobKind("inspect")
                let now = Timestamp.now()
                let jobs: [(JobKind, BucketID?)] = [(Self.kind, busy), (Self.kind, idle), (inspect, busy), (Self.kind, nil)]
                for (index, (kind, bucket)) in jobs.enumerated() {
                    try await fixture.enqueue(
                        NewJob(kind, bucket: bucket, subject: "\(index)", runAfter: now.adding(seconds: Int64(index) - 90)))
                }

                var subjects: [String?] = []
                while let taken = try await fixture.store.takeJob(
                    of: [Self.kind, inspect], sparing: SparedJobs(of: [Self.kind], in: [busy]), worker: "test", lease: 600)
                { subjects.append(taken.job.subject) }

                #expect(subjects == ["1", "2", "3"])
                #expect(try await fixture.take()?.job.subject == "0")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func jobsAreTakenByPriorityAndThenByDate(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let now = Timestamp.now()
                for (subject, priority, age) in [("c", 0, 10), ("d", 0, 5), ("a", 2, 1), ("b", 1, 90)] as [(String, Int, Int64)] {
                    try await fixture.enqueue(
                        NewJob(Self.kind, subject: subject, runAfter: now.adding(seconds: -age), priority: priority))
                }
                try await fixture.enqueue(NewJob(Self.kind, subject: "later", runAfter: now.adding(seconds: 600), priority: 9))
                try await fixture.enqueue(NewJob(JobKind("video"), subject: "other", priority: 9))

                var subjects: [String?] = []
                while let taken = try await fixture.take() { subjects.append(taken.job.subject) }

                #expect(subjects == ["a", "b", "c", "d"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTakenJobRunsAndIsHiddenUntilItsLeaseEnds(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind))

                let taken = try #require(try await fixture.take())

                #expect(taken.job.status == .running && taken.job.attempts == 1 && taken.job.startedAt != nil)
                #expect(taken.job.runAfter > Timestamp.now().adding(seconds: 500))
                #expect(try await fixture.take() == nil)
                #expect(try await fixture.store.job(taken.job.id) == taken.job)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func concurrentWorkersNeverTakeTheSameJob(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                for _ in 0..<40 { try await fixture.enqueue(NewJob(Self.kind)) }

                let taken = try await withThrowingTaskGroup(of: [JobID].self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            var ids: [JobID] = []
                            while let taken = try await fixture.take() { ids.append(taken.job.id) }
                            return ids
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }

                #expect(taken.count == 40)
                #expect(Set(taken).count == 40)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func renewingWritesProgressAndCheckpoint(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind))
                let taken = try #require(try await fixture.take(lease: 1))
                var report = Self.report
                report.isDiscovering = true
                let date = Timestamp(seconds: 1_700_000_000)
                for index in 0..<25 {
                    report.note(JobError(subject: "img_\(index)", key: "a\"b", message: "no\u{1}\n", date: date))
                }

                let result = try await fixture.renew(taken, report, JSONText(trusted: #"["page 2"]"#))

                #expect(result == .renewed)
                let job = try #require(try await fixture.store.job(taken.job.id))
                #expect(job.status == .discovering && job.progress == Self.report.progress)
                #expect(job.checkpoint?.rawValue == #"["page 2"]"#)
                #expect(job.recentErrors == report.recentErrors)
                #expect(job.recentErrors.map(\.subject) == (5..<25).map { "img_\($0)" })
                #expect(job.runAfter > Timestamp.now().adding(seconds: 500))
                #expect(try await fixture.renew(taken, Self.report) == .renewed)
                let later = try #require(try await fixture.store.job(taken.job.id))
                #expect(later.status == .running && later.checkpoint == job.checkpoint)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aJobWhoseWorkerDiedIsTakenAgainWithItsCheckpoint(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.enqueue(NewJob(Self.kind))
                let first = try #require(try await fixture.take())
                #expect(try await fixture.renew(first, Self.report, JSONText(trusted: "[2]"), seconds: 0) == .renewed)

                let second = try #require(try await fixture.take())

                #expect(second.job.id == id)
                #expect(second.job.checkpoint?.rawValue == "[2]")
                #expect(second.job.progress == Self.report.progress)
                #expect(second.job.attempts == 2)
                #expect(second.job.startedAt == first.job.startedAt)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aWorkerThatLostItsLeaseWritesNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind))
                let late = try #require(try await fixture.take(lease: 0))
                let current = try #require(try await fixture.take())

                #expect(try await fixture.renew(late, Self.report, JSONText(trusted: "[9]")) == .lost)
                #expect(try await fixture.store.finishJob(late.lease, .completed, report: Self.report) == nil)

                #expect(try await fixture.store.job(current.job.id) == current.job)
                #expect(try await fixture.store.finishJob(current.lease, .completed, report: Self.report) == .completed)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aLeaseThatRanOutHoldsUntilSomebodyTakesTheJob(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind))
                let taken = try #require(try await fixture.take(lease: 0))
                #expect(try await fixture.renew(taken, Self.report) == .renewed)
                #expect(try await fixture.take() == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aLeaseThatWasReleasedIsNotGoodForTheNextAttempt(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind))
                let first = try #require(try await fixture.take())
                #expect(try await fixture.finish(first, .released) == .pending)
                let second = try #require(try await fixture.take())
                #expect(second.job.attempts == first.job.attempts)
                #expect(try await fixture.renew(first, Self.report) == .lost)
                #expect(try await fixture.finish(first, .failed("late")) == nil)
                #expect(try await fixture.renew(second, Self.report) == .renewed)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func everyEndingIsKept(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let endings: [(JobEnding, JobStatus, String?)] = [
                    (.completed, .completed, nil), (.completedWithErrors, .completedWithErrors, nil),
                    (.failed("no Bounding\0Box"), .failed, "no BoundingBox"), (.cancelled, .cancelled, nil),
                ]
                for (ending, status, reason) in endings {
                    try await fixture.enqueue(NewJob(Self.kind))
                    let taken = try #require(try await fixture.take())
                    #expect(try await fixture.finish(taken, ending) == status)
                    let job = try #require(try await fixture.store.job(taken.job.id))
                    #expect(job.status == status && job.failure == reason)
                    #expect(job.completedAt != nil && job.progress == Self.report.progress)
                    #expect(try await fixture.take() == nil)
                    #expect(try await fixture.renew(taken, Self.report) == .lost)
                    #expect(try await fixture.finish(taken, .completed) == nil)
                }
            }
        }
    }
}

extension StoreFixture {
    @discardableResult
    func enqueue(_ job: NewJob) async throws -> JobID { try await store.enqueueJob(job, facts: facts).job.id }

    func take(lease: Int64 = 600) async throws -> TakenJob? {
        try await store.takeJob(of: [JobKind("eps"), JobKind("inspect")], sparing: SparedJobs(), worker: "test", lease: lease)
    }

    func renew(
        _ taken: TakenJob, _ report: JobReport = JobReport(), _ checkpoint: JSONText? = nil, seconds: Int64 = 600
    ) async throws -> JobRenewal {
        try await store.renewJob(taken.lease, forSeconds: seconds, report: report, checkpoint: checkpoint)
    }

    func finish(_ taken: TakenJob, _ ending: JobEnding) async throws -> JobStatus? {
        let progress = JobProgress(total: 3, processed: 2, succeeded: 1, failed: 1)
        return try await store.finishJob(taken.lease, ending, report: JobReport(progress: progress))
    }
}
