// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Imports one thing after the other, some at a time, and goes on over those that fail.
struct ImportRun: Sendable {
    enum Outcome: Hashable, Sendable {
        case imported(bytes: Int64)
        /// It was here before.
        case present
        /// It is nothing that is imported.
        case skipped
    }

    struct Summary: Hashable, Sendable {
        var imported = 0
        var present = 0
        var skipped = 0
        var failed = 0
        var bytes: Int64 = 0
    }

    /// Whoever does not answer so often in a row won't answer the next time.
    private static let mostFailuresInARow = 25

    let parallelism: Int
    let progress: ImportProgress

    /// - Parameters:
    ///   - next: the next one, or nil at the end. Asked by one task.
    ///   - name: what is said of one that fails.
    /// - Throws: what `next` throws; what `body` throws where nothing can be imported any more.
    func run<Item: Sendable>(
        _ next: () async throws -> Item?, name: @escaping @Sendable (Item) -> String,
        _ body: @escaping @Sendable (Item) async throws -> Outcome
    ) async throws -> Summary {
        var summary = Summary()
        var failuresInARow = 0
        try await withThrowingTaskGroup(of: (Item, Result<Outcome, any Error>).self) { group in
            func startNext() async throws {
                guard let item = try await next() else { return }
                group.addTask {
                    do { return (item, .success(try await body(item))) } catch { return (item, .failure(error)) }
                }
            }
            for _ in 0..<max(1, parallelism) { try await startNext() }
            while let (item, result) = try await group.next() {
                switch result {
                case .success(let outcome):
                    failuresInARow = 0
                    count(outcome, &summary)
                case .failure(let error):
                    guard let error = error as? StorageError, !Self.endsAll(error) else { throw error }
                    failuresInARow = error.code == .backendUnavailable ? failuresInARow + 1 : 0
                    guard failuresInARow < Self.mostFailuresInARow else { throw error }
                    summary.failed += 1
                    progress.say("failed   \(name(item)): \(Failure.line(error))")
                    progress.advance(failed: true)
                }
                try await startNext()
            }
        }
        return summary
    }

    private func count(_ outcome: Outcome, _ summary: inout Summary) {
        switch outcome {
        case .imported(let bytes):
            summary.imported += 1
            summary.bytes += bytes
            progress.advance(bytes: bytes)
        case .present:
            summary.present += 1
            progress.advance()
        case .skipped:
            summary.skipped += 1
            progress.advance()
        }
    }

    /// Where the next one would meet the same.
    private static func endsAll(_ error: StorageError) -> Bool {
        switch error.code {
        case .databaseFailure, .databaseReadOnly, .databaseSchema, .tooManyConnections, .quotaExceeded, .notConfigured: true
        default: false
        }
    }
}

extension ImportRun.Summary {
    /// - Parameter isDryRun: whether all of it is what would be.
    func line(isDryRun: Bool) -> String {
        var text =
            "\(imported) \(isDryRun ? "to be imported" : "imported") (\(ImportProgress.size(Double(bytes)))), \(present) here already"
        if skipped > 0 { text += ", \(skipped) skipped" }
        return text + ", \(failed) failed"
    }
}
