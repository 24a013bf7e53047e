// SPDX-License-Identifier: Apache-2.0

extension JobKind {
    /// Makes assets of what was in a bucket before it became a project.
    public static let adoptObjects = JobKind("adopt")
}

/// Makes the rows of a large bucket that became a project, some at a time. What is written meanwhile has a row at once.
struct AdoptJob: JobHandler {
    private static let batch = 1000

    let kind = JobKind.adoptObjects
    let metadata: any MetadataStore

    /// How far it is: the payload says where to begin, a checkpoint where to go on.
    private struct Place: Codable {
        var after: String?
    }

    func run(_ job: JobContext) async throws {
        guard let project = job.job.bucket else { return }
        var place = try job.checkpoint(as: Place.self) ?? job.payload()
        while true {
            let last = try await metadata.adoptObjects(
                after: place.after.map { ObjectKey(stored: $0) }, limit: Self.batch, in: project)
            guard let last else { return }
            place.after = last.rawValue
            try job.advance { progress in
                progress.processed += Int64(Self.batch)
                progress.succeeded += Int64(Self.batch)
            }
            try await job.save(checkpoint: place)
        }
    }
}
