// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOPosix

/// The threads that wait for the disk, so that the cooperative pool never does.
struct FileThreads: Sendable {
    private let pool: NIOThreadPool

    init(count: Int) {
        pool = NIOThreadPool(numberOfThreads: count)
        pool.start()
    }

    /// Runs `work` to its end, whether or not the task is cancelled meanwhile: who cleans up has to know what there is.
    /// - Throws: what `work` throws, system calls' failures as `.internal`; `.overloaded` once the threads were shut down.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                pool.submit { state in
                    guard case .active = state else { return continuation.resume(throwing: Self.closed) }
                    continuation.resume(with: Result(catching: work))
                }
            }
        } catch let failure as ScratchFailure {
            throw StorageError(.internal, "The server can't work on its temporary files", isRetryable: true, cause: failure)
        }
    }

    func shutDown() async throws { try await pool.shutdownGracefully() }

    private static var closed: StorageError {
        StorageError(.overloaded, "The server is shutting down", isRetryable: true)
    }
}
