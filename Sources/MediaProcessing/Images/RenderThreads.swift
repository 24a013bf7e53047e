// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOPosix
import VipsShim

/// The threads that compute images, so that the cooperative pool never does.
struct RenderThreads: Sendable {
    private let pool: NIOThreadPool

    init(count: Int) {
        pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
    }

    /// Runs `work` on one of the threads, in the order of the calls. Cancelling the task cancels the watch, nothing else: the
    /// thread is free again when `work` returns.
    /// - Throws: what `work` throws; `.overloaded` once the threads were shut down.
    func run<Value: Sendable>(
        _ watch: RenderWatch, _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                pool.submit { state in
                    guard case .active = state else { return continuation.resume(throwing: Self.closed) }
                    // Decoders leave words behind even where they succeed.
                    _ = VipsFailure.taken()
                    let result = Result {
                        try watch.check()
                        return try work()
                    }
                    vs_thread_done()
                    continuation.resume(with: result)
                }
            }
        } onCancel: {
            watch.cancel()
        }
    }

    /// Waits for what runs.
    func shutDown() async throws { try await pool.shutdownGracefully() }

    private static var closed: StorageError {
        StorageError(.overloaded, "The server is shutting down", isRetryable: true)
    }
}
