// SPDX-License-Identifier: Apache-2.0

/// Runs a change of the database to its end even when the caller is cancelled: a change that may or may not have happened helps
/// nobody, and what is forgotten because of it must be forgotten once it is certain.
func runToEnd<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    // Owned here and awaited; it ends with the transaction, which the database bounds in time.
    try await Task { try await body() }.value
}
