// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Runs file operations on a thread where blocking does no harm.
enum BlockingWork {
    private static let queue = DispatchQueue(label: "magpie.postgres.files", attributes: .concurrent)

    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }

    static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: work()) } }
    }
}
