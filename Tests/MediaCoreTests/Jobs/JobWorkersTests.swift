// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct JobWorkersTests {
    private struct Pages: Codable, Hashable { var pages: [Int] }
    private struct Unexpected: Error { let path = "/srv/secret" }

    private let fixture = JobFixture()

    @Test func aJobIsRunWithItsPayload() async throws {
        let id = try await fixture.enqueue(#"{"pages":[1,2]}"#)
        let workers = fixture.workers(
            TestHandler { job in
                let payload = try job.payload(as: Pages.self)
                try job.advance { $0.total = Int64(payload.pages.count) }
                for _ in payload.pages { try job.advance { $0.count(succeeded: true) } }
            })
        try await fixture.running(workers) {
            let job = try await fixture.job(id, once: .completed)
            #expect(job.progress == JobProgress(total: 2, processed: 2, succeeded: 2, failed: 0))
            #expect(job.failure == nil && job.attempts == 1 && job.completedAt != nil)
        }
    }

    @Test func aJobOfAnotherKindIsLeftAlone() async throws {
        let other = try await fixture.enqueue(kind: JobKind("other"))
        let id = try await fixture.enqueue()
        try await fixture.running(fixture.workers(TestHandler { _ in })) {
            _ = try await fixture.job(id, once: .completed)
            #expect(try await fixture.queue.job(other)?.status == .pending)
        }
    }

    @Test func aJobWithFailedPartsCompletesWithErrors() async throws {
        let id = try await fixture.enqueue()
        let workers = fixture.workers(
            TestHandler { job in
                try job.advance { $0.count(succeeded: true) }
                try job.advance { $0.count(succeeded: false) }
                job.note(JobError(subject: "img_1", message: "unreadable"))
            })
        try await fixture.running(workers) {
            let job = try await fixture.job(id, once: .completedWithErrors)
            #expect(job.progress.failed == 1 && job.progress.succeeded == 1)
            #expect(job.recentErrors.map(\.message) == ["unreadable"])
        }
    }

    @Test(arguments: [
        (JobFailure("no BoundingBox") as any Error, JobStatus.failed, "no BoundingBox"),
        (StorageError(.tooLarge, "too many pixels"), .failed, "too many pixels"),
        (StorageError(.timedOut, "no answer"), .pending, "no answer"),
        (StorageError(.invalidRequest, "later", isRetryable: true), .pending, "later"),
        (Unexpected(), .pending, "The server could not do it, and its log says why"),
        (CancellationError(), .pending, "The server could not do it, and its log says why"),
    ])
    func anErrorFailsTheJobOrIsTriedAgain(_ error: any Error, _ status: JobStatus, _ reason: String) async throws {
        let id = try await fixture.enqueue()
        try await fixture.running(fixture.workers(TestHandler { _ in throw error })) {
            let job = try await fixture.job(id) { $0.failure != nil }
            #expect(job.status == status && job.failure == reason)
            if status == .pending { #expect((32...64).contains(job.runAfter.seconds - fixture.clock.now().seconds)) }
        }
    }

    @Test func aPayloadOfAnotherVersionFailsTheJob() async throws {
        let id = try await fixture.enqueue(#"{"sides":3}"#)
        try await fixture.running(fixture.workers(TestHandler { _ = try $0.payload(as: Pages.self) })) {
            let job = try await fixture.job(id, once: .failed)
            #expect(job.failure?.contains("not understood") == true)
        }
    }

    @Test func aLaterAttemptGoesOnFromTheCheckpoint() async throws {
        let id = try await fixture.enqueue()
        let seen = Mutex<[Pages?]>([])
        let workers = fixture.workers(
            TestHandler { job in
                let done = job.checkpoint(as: Pages.self)
                seen.withLock { $0.append(done) }
                guard done == nil else { return }
                try await job.save(checkpoint: Pages(pages: [1]))
                throw StorageError(.backendUnavailable, "no answer")
            })
        try await fixture.running(workers) {
            _ = try await fixture.job(id) { $0.failure == "no answer" }
            fixture.clock.advance(seconds: 64)
            _ = try await fixture.job(id, once: .completed)
            #expect(seen.withLock { $0 } == [nil, Pages(pages: [1])])
        }
    }

    @Test func progressIsWrittenWhileTheJobRuns() async throws {
        let id = try await fixture.enqueue()
        let end = Event()
        let workers = fixture.workers(
            TestHandler { job in
                job.setDiscovering(true)
                try job.advance { $0.processed = 7 }
                await end.wait()
            })
        try await fixture.running(workers) {
            let job = try await fixture.job(id, once: .discovering)
            #expect(job.progress.processed == 7)
            end.happen()
            _ = try await fixture.job(id, once: .completed)
        }
    }

    @Test func aRunningJobThatIsCancelledEnds() async throws {
        let id = try await fixture.enqueue()
        let begun = Event()
        let workers = fixture.workers(
            TestHandler { _ in
                begun.happen()
                try await waitForCancellation()
            })
        try await fixture.running(workers) {
            await begun.wait()
            #expect(try await fixture.queue.cancelJob(id)?.status == .running)
            _ = try await fixture.job(id, once: .cancelled)
        }
    }

    @Test func aCheckpointOfACancelledJobIsRefused() async throws {
        let id = try await fixture.enqueue()
        let (begun, cancelled, refused) = (Event(), Event(), Event())
        let workers = JobWorkers(
            store: fixture.store,
            handlers: [
                TestHandler { job in
                    begun.happen()
                    await cancelled.wait()
                    do { try await job.save(checkpoint: [1]) } catch {
                        refused.happen()
                        throw error
                    }
                }
            ], wake: fixture.wake, name: "test", schedule: JobWorkers.Schedule(heartbeat: .seconds(3600)),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await fixture.running(workers) {
            await begun.wait()
            _ = try await fixture.queue.cancelJob(id)
            cancelled.happen()
            await refused.wait()
            #expect(try await fixture.job(id, once: .cancelled).checkpoint == nil)
        }
    }

    @Test func aJobThatSomebodyElseTookIsTheirs() async throws {
        let id = try await fixture.enqueue()
        let (begun, ended) = (Event(), Event())
        fixture.store.fail(.renew, times: .max)
        let workers = fixture.workers(
            TestHandler { job in
                defer { ended.happen() }
                begun.happen()
                try await waitForCancellation()
            })
        try await fixture.running(workers) {
            await begun.wait()
            workers.stop()
            fixture.clock.advance(seconds: 601)
            let other = try #require(
                try await fixture.queue.takeJob(of: [JobFixture.kind], sparing: SparedJobs(), worker: "other", lease: 600))
            #expect(other.job.id == id)
            fixture.store.fail(.renew, times: 0)
            await ended.wait()
            #expect(try await fixture.queue.finishJob(other.lease, .completed, report: JobReport()) == .completed)
        }
    }

    @Test func aWorkerThatCantRenewGivesTheJobUpWhenItsLeaseEnds() async throws {
        let id = try await fixture.enqueue()
        let (begun, ended) = (Event(), Event())
        fixture.store.fail(.renew, times: .max)
        let workers = fixture.workers(
            lease: 0,
            TestHandler { job in
                defer { ended.happen() }
                begun.happen()
                try await waitForCancellation()
            })
        try await fixture.running(workers) {
            await begun.wait()
            workers.stop()
            await ended.wait()
            let job = try await fixture.queue.job(id)
            #expect(job?.status == .running)
        }
    }

    @Test func aWorkerWhoseDatabaseDoesNotAnswerGivesTheJobUpWhenItsLeaseEnds() async throws {
        let id = try await fixture.enqueue()
        let (begun, ended) = (Event(), Event())
        fixture.store.hangOnRenewals()
        let workers = fixture.workers(
            lease: 1,
            TestHandler { _ in
                defer { ended.happen() }
                begun.happen()
                try await waitForCancellation()
            })
        try await fixture.running(workers) {
            await begun.wait()
            workers.stop()
            await ended.wait()
            let job = try await fixture.queue.job(id)
            #expect(job?.status == .running)
        }
    }

    @Test func aTroubleOfTheDatabaseDoesNotEndAJob() async throws {
        let id = try await fixture.enqueue()
        let end = Event()
        fixture.store.fail(.renew, times: 3)
        fixture.store.fail(.finish, times: 2)
        try await fixture.running(fixture.workers(TestHandler { _ in await end.wait() })) {
            while fixture.store.failuresLeft(of: .renew) > 0 { await Task.yield() }
            end.happen()
            let job = try await fixture.job(id, once: .completed)
            #expect(job.attempts == 1)
        }
    }

    /// Counts what runs at a time.
    private final class Tally: Sendable {
        private struct State {
            var running: [JobKind: Int] = [:]
            var most: [JobKind: Int] = [:]
            var mostOfAll = 0
        }

        private let state = Mutex(State())

        var most: [JobKind: Int] { state.withLock { $0.most } }
        var mostOfAll: Int { state.withLock { $0.mostOfAll } }

        func begin(_ kind: JobKind) {
            state.withLock { state in
                state.running[kind, default: 0] += 1
                state.most[kind] = max(state.most[kind, default: 0], state.running[kind, default: 0])
                state.mostOfAll = max(state.mostOfAll, state.running.values.reduce(0, +))
            }
        }

        func end(_ kind: JobKind) { state.withLock { $0.running[kind, default: 0] -= 1 } }
    }

    @Test func noMoreJobsRunAtATimeThanAllowed() async throws {
        let (tally, other) = (Tally(), JobKind("other"))
        @Sendable func run(_ job: JobContext) async throws {
            tally.begin(job.job.kind)
            for _ in 0..<50 { await Task.yield() }
            tally.end(job.job.kind)
        }
        var ids: [JobID] = []
        for index in 0..<30 { ids.append(try await fixture.enqueue(kind: index % 2 == 0 ? JobFixture.kind : other)) }
        let workers = fixture.workers(concurrency: 3, TestHandler(limit: 1, run), TestHandler(kind: other, run))
        try await fixture.running(workers) {
            for id in ids { _ = try await fixture.job(id, once: .completed) }
            #expect(tally.most[JobFixture.kind] == 1)
            #expect((2...3).contains(tally.mostOfAll))
        }
    }

    @Test func aBucketWithManyJobsLeavesAPlaceToOthers() async throws {
        let (busy, idle) = (BucketID(stored: "busy"), BucketID(stored: "idle"))
        for bucket in [busy, idle] {
            _ = try await fixture.queue.createBucket(Bucket(id: bucket, name: bucket.rawValue), as: CoreFixture.service)
        }
        let end = Event()
        var ids: [JobID] = []
        for bucket in [busy, busy, busy, idle] {
            ids.append(
                try await fixture.queue.enqueueJob(NewJob(JobFixture.kind, bucket: bucket), facts: CoreFixture.facts).job.id)
        }
        let workers = fixture.workers(
            TestHandler(bucketLimit: 1) { job in if job.job.bucket == busy { await end.wait() } })
        try await fixture.running(workers) {
            _ = try await fixture.job(ids[3], once: .completed)
            #expect(try await fixture.queue.jobCounts().first?.running == 1)
            for _ in 0..<3 { end.happen() }
            for id in ids { _ = try await fixture.job(id, once: .completed) }
        }
    }

    @Test func aWorkerThatStopsEndsWhatItBeganAndBeginsNothing() async throws {
        let first = try await fixture.enqueue()
        let (begun, end) = (Event(), Event())
        let workers = fixture.workers(
            TestHandler { _ in
                begun.happen()
                await end.wait()
            })
        async let run: Void = workers.run()
        await begun.wait()
        workers.stop()
        let second = try await fixture.enqueue()
        end.happen()
        await run
        #expect(try await fixture.queue.job(first)?.status == .completed)
        #expect(try await fixture.queue.job(second)?.status == .pending)
    }

    @Test func aWorkerThatIsCutOffLeavesItsJobToTheNextAtOnce() async throws {
        let id = try await fixture.enqueue()
        let begun = Event()
        let workers = fixture.workers(
            TestHandler { job in
                try await job.save(checkpoint: [1])
                begun.happen()
                try await waitForCancellation()
            })
        try await fixture.running(workers) { await begun.wait() }

        let job = try #require(try await fixture.queue.job(id))
        #expect(job.status == .pending && job.attempts == 0 && job.failure == nil)
        let next = try await fixture.queue.takeJob(of: [JobFixture.kind], sparing: SparedJobs(), worker: "next", lease: 600)
        #expect(next?.job.checkpoint?.rawValue == "[1]")
    }
}
