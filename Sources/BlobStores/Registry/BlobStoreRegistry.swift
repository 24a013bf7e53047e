// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// The configured blob stores, by backend.
public struct BlobStoreRegistry: BlobStoreDirectory {
    public let defaultBackend: BackendID
    private let stores: [BackendID: any BlobStore]

    /// - Throws: `StorageError` `.notConfigured` when there is no store for the default backend.
    public init(stores: [BackendID: any BlobStore], defaultBackend: BackendID = .managed) throws(StorageError) {
        guard stores[defaultBackend] != nil else {
            throw StorageError(.notConfigured, "The default storage backend is not configured", resource: defaultBackend.rawValue)
        }
        self.stores = stores
        self.defaultBackend = defaultBackend
    }

    public func store(for backend: BackendID) async throws -> any BlobStore {
        guard let store = stores[backend] else {
            throw StorageError(.backendUnavailable, "The storage backend is not configured", resource: backend.rawValue)
        }
        return store
    }
}
