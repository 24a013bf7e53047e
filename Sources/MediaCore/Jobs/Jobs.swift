// SPDX-License-Identifier: Apache-2.0

/// The durable queue, as front-ends see it.
public struct Jobs: Sendable {
    /// Wakes the workers of this process.
    public let wake: WakeSignal
    private let metadata: any MetadataStore

    init(metadata: any MetadataStore, wake: WakeSignal) {
        self.metadata = metadata
        self.wake = wake
    }

    /// Writes a job down; a worker takes it at once, here or elsewhere. The caller's right to have it done is asked before.
    /// - Throws: what `JobStore.enqueueJob` throws.
    public func enqueue(_ job: NewJob, facts: RequestFacts) async throws -> EnqueuedJob {
        defer { wake.signal() }
        return try await runToEnd { [metadata] in try await metadata.enqueueJob(job, facts: facts) }
    }

    /// Nil when there is none in the bucket. - Throws: what `JobStore.job(_:in:as:)` throws.
    public func job(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job? {
        try await metadata.job(id, in: bucket, as: caller)
    }

    /// The newest job about something of a bucket. - Throws: what `JobStore.job(_:in:as:)` throws.
    public func latest(
        about subject: String, kinds: Set<JobKind>? = nil, in bucket: BucketID, as caller: Caller
    ) async throws -> Job? {
        try await metadata.latestJob(about: subject, kinds: kinds, in: bucket, as: caller)
    }

    /// The newest job about something that the caller was found to see: an asset's state is for who may read the asset.
    public func latest(about subject: String, kinds: Set<JobKind>? = nil, in bucket: BucketID) async throws -> Job? {
        try await metadata.latestJob(about: subject, kinds: kinds, in: bucket)
    }

    /// Jobs of the bucket, the newest first. - Throws: what `JobStore.job(_:in:as:)` throws.
    public func list(matching query: JobQuery, in bucket: BucketID, as caller: Caller) async throws -> JobPage {
        try await metadata.jobs(matching: query, in: bucket, as: caller)
    }

    /// Cancels a pending job at once, and tells one that runs to end. - Returns: the job after that; nil when there is none in the bucket.
    /// - Throws: what `JobStore.job(_:in:as:)` throws.
    public func cancel(_ id: JobID, in bucket: BucketID, as caller: Caller) async throws -> Job? {
        try await runToEnd { [metadata] in try await metadata.cancelJob(id, in: bucket, as: caller) }
    }
}
