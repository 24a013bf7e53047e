// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Attempts, cancelling, and keys that only one job has.
    @Suite struct JobRetries {
        private static let kind = JobKind("eps")

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aFailedAttemptWaitsBeforeTheNext(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (first, second) = (try await fixture.enqueue(NewJob(Self.kind)), try await fixture.enqueue(NewJob(Self.kind)))
                let taken = [try #require(try await fixture.take()), try #require(try await fixture.take())]
                #expect(Set(taken.map(\.job.id)) == [first, second])

                #expect(try await fixture.finish(taken[0], .retry(afterSeconds: 600, "no answer")) == .pending)
                #expect(try await fixture.finish(taken[1], .retry(afterSeconds: 0, "no answer")) == .pending)

                let again = try #require(try await fixture.take())
                #expect(again.job.id == taken[1].job.id)
                #expect(again.job.attempts == 2 && again.job.failure == "no answer")
                #expect(try await fixture.take() == nil)
                let waiting = try #require(try await fixture.store.job(taken[0].job.id))
                #expect(waiting.status == .pending && waiting.completedAt == nil)
                #expect(waiting.runAfter > Timestamp.now().adding(seconds: 500))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theLastAttemptThatFailsFailsTheJob(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind, maxAttempts: 2))
                let first = try #require(try await fixture.take())
                #expect(try await fixture.finish(first, .retry(afterSeconds: 0, "once")) == .pending)
                let second = try #require(try await fixture.take())
                #expect(try await fixture.finish(second, .retry(afterSeconds: 0, "twice")) == .failed)
                let job = try #require(try await fixture.store.job(first.job.id))
                #expect(job.status == .failed && job.failure == "twice" && job.completedAt != nil)
                #expect(try await fixture.take() == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aJobThatKillsEveryWorkerIsGivenUp(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.enqueue(NewJob(Self.kind, runAfter: Timestamp(seconds: 1), maxAttempts: 2))
                let other = try await fixture.enqueue(NewJob(Self.kind))
                #expect(try await fixture.take(lease: -900_000_000)?.job.id == id)
                #expect(try await fixture.take(lease: -900_000_000)?.job.id == id)

                #expect(try await fixture.take()?.job.id == other)

                let job = try #require(try await fixture.store.job(id))
                #expect(job.status == .failed && job.failure == Job.workerDied && job.attempts == 2 && job.completedAt != nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aJobThatGetsFurtherHasAllItsAttemptsAgain(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.enqueue(NewJob(Self.kind, maxAttempts: 2))
                for page in 1...4 {
                    let taken = try #require(try await fixture.take(lease: 0))
                    #expect(try await fixture.renew(taken, JobReport(), JSONText(trusted: "[\(page)]"), seconds: 0) == .renewed)
                }
                // The same checkpoint again is no step further.
                for attempt in [2, nil] {
                    let taken = try await fixture.take(lease: 0)
                    #expect(taken?.job.attempts == attempt)
                    guard let taken else { break }
                    #expect(try await fixture.renew(taken, JobReport(), JSONText(trusted: "[4]"), seconds: 0) == .renewed)
                }
                #expect(try await fixture.store.job(id)?.status == .failed)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPendingJobIsCancelledAtOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.enqueue(NewJob(Self.kind))
                let cancelled = try #require(try await fixture.store.cancelJob(id))
                #expect(cancelled.status == .cancelled && cancelled.completedAt != nil && cancelled.startedAt == nil)
                #expect(try await fixture.take() == nil)
                #expect(try await fixture.store.cancelJob(id) == cancelled)
                #expect(try await fixture.store.cancelJob(JobID()) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRunningJobIsToldToEnd(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind))
                let taken = try #require(try await fixture.take())

                let job = try #require(try await fixture.store.cancelJob(taken.job.id))

                #expect(job.status == .running && job.isCancelRequested && job.completedAt == nil)
                #expect(try await fixture.renew(taken, JobReport(), JSONText(trusted: "[1]")) == .cancelRequested)
                #expect(try await fixture.store.job(taken.job.id)?.checkpoint == nil)
                #expect(try await fixture.finish(taken, .cancelled) == .cancelled)
            }
        }

        @Test(
            arguments: MetadataStoreUnderTest.allCases,
            [(JobEnding.retry(afterSeconds: 0, "later"), JobStatus.cancelled), (.released, .cancelled), (.completed, .completed)])
        func aJobToBeCancelledEndsWithItsAttempt(
            _ kind: MetadataStoreUnderTest, _ ends: (ending: JobEnding, status: JobStatus)
        ) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind))
                let taken = try #require(try await fixture.take())
                _ = try await fixture.store.cancelJob(taken.job.id)
                #expect(try await fixture.finish(taken, ends.ending) == ends.status)
                #expect(try await fixture.store.job(taken.job.id)?.completedAt != nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aJobToBeCancelledWhoseWorkerDiedIsCancelled(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind))
                let taken = try #require(try await fixture.take(lease: 0))
                _ = try await fixture.store.cancelJob(taken.job.id)
                #expect(try await fixture.take() == nil)
                #expect(try await fixture.store.job(taken.job.id)?.status == .cancelled)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPendingJobOfTheSameKeyGetsTheNewPayload(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let id = try await fixture.enqueue(
                    NewJob(Self.kind, subject: "old", payload: JSONText(trusted: "[1]"), uniqueKey: "k", priority: 2))
                let taken = try #require(try await fixture.take())
                #expect(try await fixture.renew(taken, JobReport(), JSONText(trusted: "[3]")) == .renewed)
                #expect(try await fixture.finish(taken, .retry(afterSeconds: 600, "later")) == .pending)

                let again = try await fixture.store.enqueueJob(
                    NewJob(Self.kind, subject: "new", payload: JSONText(trusted: "[2]"), uniqueKey: "k"), facts: fixture.facts)

                #expect(!again.isNew && again.job.id == id)
                #expect(again.job.payload.rawValue == "[2]" && again.job.subject == "new" && again.job.priority == 2)
                #expect(again.job.attempts == 0 && again.job.checkpoint == nil && again.job.failure == nil)
                #expect(try await fixture.take()?.job.id == id)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theSamePayloadAgainLeavesTheAttemptsAsTheyAre(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let new = NewJob(Self.kind, payload: JSONText(trusted: "[1]"), uniqueKey: "k")
                try await fixture.enqueue(new)
                let taken = try #require(try await fixture.take())
                #expect(try await fixture.renew(taken, JobReport(), JSONText(trusted: "[3]")) == .renewed)
                #expect(try await fixture.finish(taken, .retry(afterSeconds: 600, "later")) == .pending)

                let again = try await fixture.store.enqueueJob(new, facts: fixture.facts)

                #expect(!again.isNew && again.job.attempts == 1)
                #expect(again.job.checkpoint?.rawValue == "[3]" && again.job.failure == "later")
                #expect(try await fixture.take()?.job.attempts == 2)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aRunningJobOfTheSameKeyStaysAsItIs(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let new = NewJob(Self.kind, payload: JSONText(trusted: "[1]"), uniqueKey: "k")
                try await fixture.enqueue(new)
                let taken = try #require(try await fixture.take())
                var other = new
                other.payload = JSONText(trusted: "[2]")

                let again = try await fixture.store.enqueueJob(other, facts: fixture.facts)

                #expect(!again.isNew && again.job == taken.job)
                #expect(try await fixture.finish(taken, .completed) == .completed)
                let next = try await fixture.store.enqueueJob(other, facts: fixture.facts)
                #expect(next.isNew && next.job.id != taken.job.id && next.job.payload.rawValue == "[2]")
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func ofManyWishesWithOneKeyOnlyOneIsAJob(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let results = try await withThrowingTaskGroup(of: EnqueuedJob.self) { group in
                    for index in 0..<24 {
                        group.addTask {
                            try await fixture.store.enqueueJob(
                                NewJob(Self.kind, payload: JSONText(trusted: "[\(index)]"), uniqueKey: "k"),
                                facts: fixture.facts)
                        }
                    }
                    return try await group.reduce(into: [EnqueuedJob]()) { $0.append($1) }
                }
                #expect(results.count(where: \.isNew) == 1)
                #expect(Set(results.map(\.job.id)).count == 1)
                #expect(try await fixture.store.jobs(matching: JobQuery()).jobs.count == 1)
            }
        }
    }
}
