// SPDX-License-Identifier: Apache-2.0

/// A blob store that somebody has to close.
public protocol ClosableBlobStore: BlobStore {
    /// Closes the connections. Nothing may be called afterwards.
    func close() async throws
}

/// Opens stores of projects' own. It asks nothing of the service; it does find out where the service is, and refuses addresses that a
/// stranger must not have this server talk to.
///
/// What is opened here keeps blobs at the keys as they are given, and of those only what it is told to write. It writes no mark of its own and
/// sweeps nothing.
public protocol BackendOpener: Sendable {
    /// - Throws: `StorageError` with `.invalidParameter` for an endpoint that is not allowed, `.backendUnavailable` for one that can't be
    ///   found, `.unsupported` for a kind of service that this server can't use.
    func open(_ configuration: BackendConfiguration) async throws -> any ClosableBlobStore
}
