// SPDX-License-Identifier: Apache-2.0

/// Runs a change of the database to its end even when the caller is cancelled: a change that may or may not have happened helps
/// nobody, and what is forgotten because of it must be forgotten once it is certain.
func runToEnd<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    // Owned here and awaited; it ends with the transaction, which the database bounds in time.
    try await Task { try await body() }.value
}

/// Runs work that may take minutes to its end, whatever becomes of the caller, who is free as soon as it is cancelled: a client
/// that lost patience, or a server that shuts down, does not wait for it. What the end of the process cuts off must be safe to cut
/// off anywhere.
func runOn<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let (results, ending) = AsyncStream.makeStream(of: Result<Value, any Error>.self, bufferingPolicy: .bufferingNewest(1))
    Task {
        do { ending.yield(.success(try await body())) } catch { ending.yield(.failure(error)) }
        ending.finish()
    }
    for await result in results { return try result.get() }
    throw CancellationError()
}
