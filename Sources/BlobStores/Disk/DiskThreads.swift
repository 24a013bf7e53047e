// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOPosix

/// The threads that wait for the disk, so that the cooperative pool never does.
struct DiskThreads: Sendable {
    private let pool: NIOThreadPool

    init(count: Int) {
        pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
    }

    /// Runs `work` on a disk thread.
    ///
    /// Cancelling the task does not interrupt it: an operation on files runs to its end, so that whoever cleans up knows
    /// what there is to clean up. Callers check for cancellation between operations.
    /// - Throws: what `work` throws; `.backendUnavailable` once the store was closed.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            pool.submit { state in
                switch state {
                case .active: continuation.resume(with: Result(catching: work))
                case .cancelled: continuation.resume(throwing: Self.closed)
                }
            }
        }
    }

    func shutDown() async throws { try await pool.shutdownGracefully() }

    private static var closed: StorageError {
        StorageError(.backendUnavailable, "The storage backend is shutting down", isRetryable: true)
    }
}
