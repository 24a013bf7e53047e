// SPDX-License-Identifier: Apache-2.0

/// Which of projects' own stores can't be read, so that not every blob of one waits for it in vain.
struct StoreReach {
    struct Failure: Error {
        var reason: String
    }

    /// After so many failures in a row a store is asked no more.
    private static let patience = 3

    private var failures: [BackendID: (count: Int, reason: String)] = [:]

    /// Reads something of a store.
    /// - Throws: `Failure` when the store can't be read; what `body` throws.
    mutating func reading<Value>(_ backend: BackendID, _ body: () async throws -> Value) async throws -> Value {
        if let known = failures[backend], known.count >= Self.patience { throw Failure(reason: known.reason) }
        do {
            let value = try await body()
            failures[backend] = nil
            return value
        } catch let error as StorageError where [.originUnavailable, .originTimedOut].contains(error.code) {
            let reason = "\(error.cause ?? error)"
            failures[backend] = ((failures[backend]?.count ?? 0) + 1, reason)
            throw Failure(reason: reason)
        }
    }
}
