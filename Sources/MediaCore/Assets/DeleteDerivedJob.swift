// SPDX-License-Identifier: Apache-2.0

extension JobKind {
    /// Deletes what was derived from assets that are gone.
    public static let deleteDerived = JobKind("delete-derived")
}

/// Deletes what was derived from assets whose objects were deleted, or left the project, by a dialect that knows nothing of assets.
///
/// It deletes as anybody does: blobs, totals and events follow, and a versioned bucket keeps what it keeps of every deletion, under a
/// delete marker. Doing it again finds less to do.
struct DeleteDerivedJob: JobHandler {
    let kind = JobKind.deleteDerived
    let assets: Assets

    private struct Payload: Decodable {
        var sources: [String]
    }

    func run(_ job: JobContext) async throws {
        guard let project = job.job.bucket else { return }
        let sources = try job.payload(as: Payload.self).sources
        try job.advance { $0 = JobProgress(total: Int64(sources.count)) }
        for source in sources {
            try await assets.deleteDerived(ofMissing: AssetID(stored: source), in: project, facts: .jobs)
            try job.advance { $0.count(succeeded: true) }
        }
    }
}

extension Assets {
    /// Deletes what was derived from an asset that is there no longer. One that came back under the same id has it as its own.
    fileprivate func deleteDerived(ofMissing source: AssetID, in project: BucketID, facts: RequestFacts) async throws {
        let caller = Caller(principal: service, facts: facts)
        let derived = try await metadata.derivedAssets(of: source, in: project, as: caller)
        guard !derived.isEmpty else { return }
        guard try await metadata.assetAddress(source.rawValue, in: project, facts: facts) == nil else { return }
        _ = try await objects.delete(derived.map(\.address.key), in: project, as: caller)
    }
}
