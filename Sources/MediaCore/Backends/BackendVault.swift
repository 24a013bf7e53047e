// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Seals and opens the credentials of projects' own stores.
public struct BackendVault: Sendable {
    private let metadata: any MetadataStore
    private let seal: SecretSeal

    /// - Parameter masterKey: 32 bytes.
    public init(metadata: any MetadataStore, masterKey: [UInt8]) {
        self.metadata = metadata
        self.seal = SecretSeal(masterKey: masterKey)
    }

    /// A row for a configuration, its credentials sealed.
    func backend(_ configuration: BackendConfiguration, of project: BucketID, at time: Timestamp) throws -> Backend {
        let place = configuration.place
        return Backend(
            project: project, place: place,
            sealedCredentials: Array(try seal.seal(configuration.credentials, of: Self.owner(place))),
            configuredAt: time)
    }

    /// The store's configuration as it is now, and its revision.
    /// - Throws: `StorageError` with `.backendUnavailable` when there is no such store any more, or its credentials were forgotten;
    ///   `.notConfigured` when they were sealed under another master key.
    public func configuration(of id: BackendID) async throws -> (configuration: BackendConfiguration, revision: Int64) {
        guard let backend = try await metadata.backend(id) else {
            throw StorageError(.backendUnavailable, "The storage backend is not configured", resource: id.rawValue)
        }
        return (try open(backend), backend.revision)
    }

    func open(_ backend: Backend) throws(StorageError) -> BackendConfiguration {
        guard let sealed = backend.sealedCredentials else {
            throw StorageError(
                .backendUnavailable, "The credentials of the project's storage were removed", resource: backend.id.rawValue)
        }
        do {
            return try BackendConfiguration(
                backend.place, credentials: seal.open(Data(sealed), of: Self.owner(backend.place)))
        } catch {
            throw StorageError(
                .notConfigured,
                "The credentials of the project's storage can't be used: they were sealed under another master key",
                resource: backend.id.rawValue)
        }
    }

    /// Where they are used, so that whoever changes the row can't have them sent elsewhere. No bucket and no access key is called so.
    private static func owner(_ place: BackendPlace) -> String { "backend/\(place.identity)" }
}
