// SPDX-License-Identifier: Apache-2.0

extension Objects {
    /// The most keys one transaction deletes.
    private static let batch = 500

    /// Deletes one object. Its bytes go after the transaction.
    /// - Throws: `StorageError` with `.objectNotFound`; `.accessDenied` when it exists and the caller may not delete it.
    public func delete(_ address: ObjectAddress, as caller: Caller) async throws {
        defer { forget([address]) }
        _ = try await runToEnd { try await metadata.deleteObject(at: address, as: caller) }
    }

    /// Deletes what the caller may delete of `keys`, in batches of one transaction each, and returns what went.
    public func delete(_ keys: [ObjectKey], in bucket: BucketID, as caller: Caller) async throws -> [ObjectRecord] {
        var deleted: [ObjectRecord] = []
        var start = 0
        while start < keys.count {
            try Task.checkCancellation()
            let batch = Array(keys[start..<min(start + Self.batch, keys.count)])
            defer { forget(batch.map { ObjectAddress(bucket: bucket, key: $0) }) }
            deleted += try await runToEnd { try await metadata.deleteObjects(batch, in: bucket, as: caller) }
            start += Self.batch
        }
        return deleted
    }

    func forget(_ addresses: [ObjectAddress]) {
        for address in addresses { cache.invalidate(address) }
        reaper.signal()
        events.signal()
    }
}
