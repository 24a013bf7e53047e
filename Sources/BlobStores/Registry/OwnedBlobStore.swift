// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// A store that knows who it is and whose: what a database does not know it takes for left over, so the two must belong together.
public protocol OwnedBlobStore: BlobStore {
    /// Names this store among others; it never changes.
    var id: String { get }

    /// What the database that this store belongs to calls itself. Nil before the store is told of one.
    var databaseID: String? { get }

    /// Makes the store belong to a database, durably. To be called by one process at a time.
    func belong(to databaseID: String) async throws

    /// Ends the store. Nothing may be called afterwards.
    func close() async throws
}

extension LocalBlobStore: OwnedBlobStore {}
extension RemoteBlobStore: OwnedBlobStore {}
