// SPDX-License-Identifier: Apache-2.0

extension JobKind {
    /// Moves what lay in a folder that was deleted to the root.
    public static let unfileAssets = JobKind("unfile")
}

/// Empties a large folder that was deleted, some assets at a time. What was put there since the deletion stays.
struct UnfileJob: JobHandler {
    static let batch = 1000

    let kind = JobKind.unfileAssets
    let metadata: any MetadataStore

    private struct Payload: Decodable {
        var folder: String
        /// When the folder was deleted, in microseconds since 1970.
        var before: Int64
    }

    func run(_ job: JobContext) async throws {
        guard let project = job.job.bucket else { return }
        let payload = try job.payload(as: Payload.self)
        while true {
            let count = try await metadata.unfileAssets(
                of: FolderPath(stored: payload.folder), unchangedSince: Timestamp(microseconds: payload.before),
                limit: Self.batch, in: project)
            try job.advance { progress in
                progress.processed += Int64(count)
                progress.succeeded += Int64(count)
            }
            guard count == Self.batch else { return }
        }
    }
}
