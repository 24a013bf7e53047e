// SPDX-License-Identifier: Apache-2.0

/// What lifecycle rules give up.
extension Uploads: IncompleteUploads {
    private static let batch = 500

    /// Gives up uploads in parts. One that is being completed meanwhile is left alone.
    public func giveUp(in bucket: BucketID, prefix: String, startedBefore date: Timestamp) async throws -> Int {
        var query = UploadQuery(bucket: bucket, kind: .parts, prefix: prefix, limit: Self.batch)
        var count = 0
        while true {
            let page = try await metadata.uploads(matching: query, now: now())
            for session in page where session.createdAt < date {
                try Task.checkCancellation()
                if try await giveUp(session.id) { count += 1 }
            }
            guard page.count == Self.batch, let last = page.last else { return count }
            query.keyMarker = last.address.key.rawValue
            query.idMarker = last.id
        }
    }

    private func giveUp(_ id: UploadID) async throws -> Bool {
        do {
            return try await locks.withLock(.upload(id)) { _ in
                await discardBytes(of: try await metadata.deleteUpload(id))
                return true
            }
        } catch let error as StorageError where [.uploadNotFound, .uploadComplete, .locked].contains(error.code) {
            return false
        }
    }
}
