// SPDX-License-Identifier: Apache-2.0

/// Multipart writes that no upload knows: left by a crash between the write and its row, or by a bucket that went away.
struct AbandonedParts: Sendable {
    private static let batch = 500

    let metadata: any MetadataStore
    let blobs: any BlobStoreDirectory

    /// Gives up those that nobody has touched since `date`. - Returns: how many there were.
    func remove(before date: Timestamp) async throws -> Int {
        let backend = blobs.defaultBackend
        let store = try await blobs.store(for: backend)
        var found = 0
        try await store.visitUnfinishedMultiparts(before: date, batch: Self.batch) { multiparts in
            let unknown = Set(try await metadata.unknownMultiparts(among: multiparts.map(\.id), in: backend))
            for multipart in multiparts where unknown.contains(multipart.id) {
                try await store.abortMultipart(multipart.id, at: multipart.key ?? BlobKey(multipart.id.rawValue))
                found += 1
            }
            try Task.checkCancellation()
        }
        return found
    }
}
