// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Synchronization

/// Something that must work for the server to be of use.
public struct ReadinessCheck: Sendable {
    /// `database`, `blobs`.
    public let name: String
    /// Returns when it works. It may hang: nobody waits for it longer than a while, and while it does it is not run again.
    public let run: @Sendable () async throws -> Void

    public init(_ name: String, run: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.run = run
    }
}

/// Runs one check, once at a time, for all who ask meanwhile.
///
/// A check that waits for a dead disk can't be cancelled, so whoever asks is let go without it.
final class ReadinessRun: Sendable {
    private typealias Answer = CheckedContinuation<Void, any Error>

    private struct State {
        var isRunning = false
        var lastAsked = 0
        var waiting: [Int: Answer] = [:]
    }

    var name: String { check.name }
    private let check: ReadinessCheck
    private let state = Mutex(State())

    init(_ check: ReadinessCheck) { self.check = check }

    /// Returns when the check passes.
    /// - Throws: `StorageError` `.timedOut` when it takes longer than `timeout`; what the check throws.
    func result(within timeout: Duration) async throws {
        let number = state.withLock { state in
            state.lastAsked += 1
            return state.lastAsked
        }
        var clock: Task<Void, any Error>?
        defer { clock?.cancel() }
        try await withCheckedThrowingContinuation { (waiting: Answer) in
            let begins = state.withLock { state in
                state.waiting[number] = waiting
                defer { state.isRunning = true }
                return !state.isRunning
            }
            if begins { Task { await run() } }
            clock = Task {
                try await Task.sleep(for: timeout)
                answer(number)?.resume(throwing: StorageError(.timedOut, "no answer in time"))
            }
        }
    }

    private func answer(_ number: Int) -> Answer? { state.withLock { $0.waiting.removeValue(forKey: number) } }

    private func run() async {
        let result: Result<Void, any Error>
        do {
            result = .success(try await check.run())
        } catch {
            result = .failure(error)
        }
        let waiting = state.withLock { state in
            state.isRunning = false
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for answer in waiting { answer.resume(with: result) }
    }
}
