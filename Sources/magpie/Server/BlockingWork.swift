// SPDX-License-Identifier: Apache-2.0

import NIOPosix

/// Runs file operations on a thread where blocking does no harm.
enum BlockingWork {
    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(work)
    }
}
