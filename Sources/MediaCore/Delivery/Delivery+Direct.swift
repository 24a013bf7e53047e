// SPDX-License-Identifier: Apache-2.0

extension Delivery {
    /// For how long a request that was given out is good, in seconds: it is used at once, and nothing can take it back.
    static let directLifetime: Int64 = 300

    /// The request by which the client itself reads an object from the store that its bytes are in, where the bucket's settings have it so
    /// and the store can let others in. Nil: `open` delivers it.
    ///
    /// Only for those who need no credentials of their own: clients take them along where they are sent, and the store is somebody else's.
    /// - Parameter presentation: what the store's answer is to say of the bytes.
    /// - Throws: as `open`.
    public func direct(
        _ address: ObjectAddress, preconditions: Preconditions = .none, access: Access,
        as presentation: (ObjectMetadata) -> DirectPresentation
    ) async throws -> DirectRequest? {
        guard !access.isByPolicy, let least = try await directFrom(address.bucket, access.facts) else { return nil }
        let (object, details) = try await describe(address, access: access)
        // A store says nothing of a coding that the bytes have.
        guard let blob = object.blob, blob.size >= least, details.representation.contentEncoding == nil,
            let store = try await blobs.store(for: blob.backend) as? any DirectBlobAccess
        else { return nil }
        try preconditions.check(object.record, details)
        guard !preconditions.saveTransfer(of: object.record, details) else { return nil }
        do {
            return try await store.directDownload(of: blob.key, for: Self.directLifetime, as: presentation(details))
        } catch let error as StorageError where error.code == .unsupported {
            return nil
        }
    }

    /// Nil for a bucket that is not there, too: what to say of that is for the read.
    private func directFrom(_ bucket: BucketID, _ facts: RequestFacts) async throws -> Int64? {
        do {
            return try await cache.bucketRules.rules(of: bucket, in: metadata, facts: facts).directFrom
        } catch let error as StorageError where error.code == .bucketNotFound {
            return nil
        }
    }
}

extension Access {
    fileprivate var isByPolicy: Bool {
        if case .policy = self { true } else { false }
    }
}
