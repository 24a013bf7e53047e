// SPDX-License-Identifier: Apache-2.0

public import Logging

extension RemoteBlobStore {
    /// Opens the store in a bucket of Google Cloud Storage. The bucket must be there.
    /// - Parameter create: whether a missing store may be made: a wrong prefix looks like a store that never was.
    /// - Throws: `StorageError` with `.notConfigured` when there is no store and none may be made, or no such bucket;
    ///   `.backendUnavailable` when the service does not answer or does not know the credentials.
    public static func open(_ configuration: GCSConfiguration, create: Bool, logger: Logger) async throws -> RemoteBlobStore {
        try await open(
            GCSService(configuration), bucket: configuration.bucket, prefix: configuration.prefix, create: create, logger: logger)
    }
}
