// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// The blob stores, by backend: the server's own, which are open as long as it is, and those of projects.
public struct BlobStoreRegistry: BlobStoreDirectory {
    public let defaultBackend: BackendID
    private let stores: [BackendID: any BlobStore]
    /// Nil where projects have none.
    private let own: OwnBlobStores?

    /// - Throws: `StorageError` `.notConfigured` when there is no store for the default backend.
    public init(
        stores: [BackendID: any BlobStore], defaultBackend: BackendID = .managed, own: OwnBlobStores? = nil
    ) throws(StorageError) {
        guard stores[defaultBackend] != nil else {
            throw StorageError(.notConfigured, "The default storage backend is not configured", resource: defaultBackend.rawValue)
        }
        self.stores = stores
        self.defaultBackend = defaultBackend
        self.own = own
    }

    public func store(for backend: BackendID) async throws -> any BlobStore {
        if let store = stores[backend] { return store }
        guard backend.isOwn, let own else {
            throw StorageError(.backendUnavailable, "The storage backend is not configured", resource: backend.rawValue)
        }
        return try await own.store(for: backend)
    }

    /// Follows what others change in the database.
    public func apply(_ change: MetadataChange) async { await own?.apply(change) }
}
