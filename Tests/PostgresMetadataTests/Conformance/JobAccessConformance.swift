// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Who sees jobs, lists of them, and what becomes of old ones.
    @Suite struct JobAccess {
        private static let kind = JobKind("eps")

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func jobsAreForWhoMayUpdateTheBucket(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (store, caller) = (fixture.store, fixture.alice)
                let bucket = try await fixture.makeBucket()
                let id = try await fixture.enqueue(NewJob(Self.kind, bucket: bucket))
                func failures(in bucket: BucketID) async -> Set<StorageError.Code?> {
                    [
                        await failure { try await store.job(id, in: bucket, as: caller) }?.code,
                        await failure { try await store.jobs(matching: JobQuery(), in: bucket, as: caller) }?.code,
                        await failure { try await store.latestJob(about: "eps_1", in: bucket, as: caller) }?.code,
                        await failure { try await store.cancelJob(id, in: bucket, as: caller) }?.code,
                    ]
                }

                #expect(await failures(in: bucket) == [.bucketNotFound])
                try await fixture.allow([.select], on: .buckets)
                #expect(await failures(in: bucket) == [.accessDenied])
                #expect(try await store.job(id)?.status == .pending)
                try await fixture.allow([.update], on: .buckets)
                #expect(await failures(in: bucket) == [nil])
                #expect(try await store.job(id)?.status == .cancelled)
                #expect(await failures(in: BucketID(stored: "none")) == [.bucketNotFound])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aJobIsFoundInItsBucketAlone(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (store, service) = (fixture.store, fixture.service)
                let (mine, other) = (try await fixture.makeBucket("mine"), try await fixture.makeBucket("other"))
                let id = try await fixture.enqueue(NewJob(Self.kind, bucket: mine))
                let server = try await fixture.enqueue(NewJob(Self.kind))

                #expect(try await store.job(id, in: mine, as: service)?.id == id)
                #expect(try await store.job(id, in: other, as: service) == nil)
                #expect(try await store.cancelJob(id, in: other, as: service) == nil)
                #expect(try await store.job(server, in: mine, as: service) == nil)
                #expect(try await store.job(JobID(), in: mine, as: service) == nil)
                #expect(try await store.job(id)?.status == .pending)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aListIsPagedFromTheNewest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                var ids: [JobID] = []
                for _ in 0..<7 {
                    ids.append(try await fixture.enqueue(NewJob(Self.kind, bucket: bucket)))
                    try await fixture.pause()
                }
                try await fixture.enqueue(NewJob(JobKind("video"), bucket: bucket))
                try await fixture.enqueue(NewJob(Self.kind))

                var found: [[JobID]] = []
                var query = JobQuery(kinds: [Self.kind], limit: 3)
                repeat {
                    let page = try await fixture.store.jobs(matching: query, in: bucket, as: fixture.service)
                    found.append(page.jobs.map(\.id))
                    query.after = page.next
                } while query.after != nil

                #expect(found.map(\.count) == [3, 3, 1])
                #expect(found.flatMap { $0 } == ids.reversed())
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theLatestJobAboutASubjectIsFound(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let (bucket, other) = (try await fixture.makeBucket(), try await fixture.makeBucket("other"))
                try await fixture.enqueue(NewJob(Self.kind, bucket: bucket, subject: "eps_1"))
                try await fixture.pause()
                let split = try await fixture.enqueue(NewJob(JobKind("eps-split"), bucket: bucket, subject: "eps_1"))
                try await fixture.pause()
                try await fixture.enqueue(NewJob(Self.kind, bucket: bucket, subject: "eps_2"))
                try await fixture.enqueue(NewJob(Self.kind, bucket: other, subject: "eps_1"))

                #expect(try await store.latestJob(about: "eps_1", in: bucket)?.id == split)
                #expect(try await store.latestJob(about: "eps_1", in: bucket, as: fixture.service)?.id == split)
                #expect(try await store.latestJob(about: "eps_1", kinds: [Self.kind], in: bucket)?.kind == Self.kind)
                #expect(try await store.latestJob(about: "eps_3", in: bucket) == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func listsAreNarrowedByStatus(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.enqueue(NewJob(Self.kind, runAfter: Timestamp(seconds: 1)))
                let pending = try await fixture.enqueue(NewJob(Self.kind))
                let failed = try #require(try await fixture.take())
                _ = try await fixture.finish(failed, .failed("no"))
                func list(_ statuses: Set<JobStatus>) async throws -> [JobID] {
                    try await fixture.store.jobs(matching: JobQuery(statuses: statuses)).jobs.map(\.id)
                }
                #expect(try await list([.failed]) == [failed.job.id])
                #expect(try await list([.pending, .running]) == [pending])
                #expect(try await list([.cancelled]).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func oldJobsAreForgottenWhenTheyHaveEnded(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                for _ in 0..<3 { _ = try await fixture.store.cancelJob(fixture.enqueue(NewJob(Self.kind))) }
                let waiting = try await fixture.enqueue(NewJob(Self.kind))

                #expect(try await fixture.store.forgetJobs(endedForSeconds: 600, limit: 100) == 0)
                #expect(try await fixture.store.forgetJobs(endedForSeconds: 0, limit: 2) == 2)
                #expect(try await fixture.store.forgetJobs(endedForSeconds: 0, limit: 2) == 1)

                #expect(try await fixture.store.jobs(matching: JobQuery()).jobs.map(\.id) == [waiting])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func unfinishedJobsAreCountedByKind(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                #expect(try await fixture.store.jobCounts() == [])
                for _ in 0..<3 { try await fixture.enqueue(NewJob(Self.kind)) }
                try await fixture.enqueue(NewJob(JobKind("video")))
                _ = try await fixture.take()
                let ended = try #require(try await fixture.take())
                _ = try await fixture.finish(ended, .completed)
                #expect(
                    try await fixture.store.jobCounts() == [
                        JobCount(kind: Self.kind, pending: 1, running: 1),
                        JobCount(kind: JobKind("video"), pending: 1, running: 0),
                    ])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func jobsGoWithTheirBucket(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.enqueue(NewJob(Self.kind, bucket: bucket))
                let taken = try #require(try await fixture.take())
                try await fixture.store.deleteBucket(bucket, as: fixture.service)
                #expect(try await fixture.store.job(taken.job.id) == nil)
                #expect(try await fixture.renew(taken) == .lost)
                #expect(try await fixture.finish(taken, .completed) == nil)
            }
        }

        @Test(.timeLimit(.minutes(1)), arguments: MetadataStoreUnderTest.allCases)
        func aDueJobWakesWhoWatches(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (changes, sink) = AsyncStream.makeStream(of: MetadataChange.self)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await fixture.store.watch { sink.yield($0) } }
                    var seen: [MetadataChange] = []
                    for await change in changes {
                        seen.append(change)
                        if change == .tracking {
                            try await fixture.enqueue(NewJob(Self.kind, runAfter: Timestamp.now().adding(seconds: 600)))
                            try await fixture.makeBucket("mark", isPublic: true)
                            try await fixture.enqueue(NewJob(Self.kind))
                        }
                        if change == .jobs { break }
                    }
                    group.cancelAll()
                    #expect(seen.contains(.jobs))
                    #expect(seen.count(where: { $0 == .jobs }) == 1)
                }
            }
        }
    }
}
