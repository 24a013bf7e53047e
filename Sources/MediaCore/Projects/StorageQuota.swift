// SPDX-License-Identifier: Apache-2.0

/// Refuses writes that would fill a project beyond a plan without overage, whatever dialect they come in.
///
/// Of a bucket that is no project, and of a plan that only counts, it knows without asking. Writes that end at the same time do not know
/// of each other: together they may exceed the plan by what they hold.
struct StorageQuota: Sendable {
    let metadata: any MetadataStore
    let cache: ReadCache

    /// - Parameter size: of the object to be written, in bytes. Nil while nobody has said: then there must be room for something.
    /// - Throws: `StorageError` with `.quotaExceeded`.
    func requireRoom(for size: Int64?, in bucket: BucketID, facts: RequestFacts) async throws {
        let project = try await cache.projects.value(of: bucket) { try await metadata.project(bucket, facts: facts) }
        guard let project, let quota = project.plan.storageQuota else { return }
        let used = try await metadata.totals(of: bucket, facts: facts).bytes
        guard quota - used >= (size ?? 1) else {
            throw StorageError(
                .quotaExceeded,
                "The storage of the project '\(bucket)' is used up: its plan \(project.plan.name.rawValue) has \(quota) bytes",
                resource: bucket.rawValue)
        }
    }
}
