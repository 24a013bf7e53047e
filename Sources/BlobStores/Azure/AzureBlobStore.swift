// SPDX-License-Identifier: Apache-2.0

public import Logging

extension RemoteBlobStore {
    /// Opens the store in a container of Azure's. The container must be there.
    /// - Parameter create: whether a missing store may be made: a wrong prefix looks like a store that never was.
    /// - Throws: `StorageError` with `.notConfigured` when there is no store and none may be made, or no such container;
    ///   `.backendUnavailable` when the service does not answer or does not know the credentials.
    public static func open(_ configuration: AzureConfiguration, create: Bool, logger: Logger) async throws -> RemoteBlobStore {
        try await open(
            AzureService(configuration), bucket: configuration.container, prefix: configuration.prefix, create: create,
            logger: logger)
    }
}
