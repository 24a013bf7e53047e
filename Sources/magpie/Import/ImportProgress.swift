// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Counts what a command that imports has done, and shows it: a bar at a terminal, a line now and then elsewhere.
final class ImportProgress: Sendable {
    private struct State {
        var bar = ProgressBar()
        var done: Int64 = 0
        var bytes: Int64 = 0
        var failed: Int64 = 0
        var shownAt: ContinuousClock.Instant?
    }

    /// No eye sees more.
    private static let interval = Duration.milliseconds(100)

    private let state = Mutex(State())
    private let isTerminal = isatty(STDERR_FILENO) == 1
    /// Nil: nobody knows.
    private let total: Int64?

    init(total: Int64?) { self.total = total }

    /// One more is done, of so many bytes.
    func advance(bytes: Int64 = 0, failed: Bool = false) {
        state.withLock { state in
            state.done += 1
            state.bytes += bytes
            if failed { state.failed += 1 }
            let now = ContinuousClock.now
            guard state.shownAt.map({ now - $0 >= Self.interval }) ?? true else { return }
            state.shownAt = now
            show(&state)
        }
    }

    /// A line of its own, which stays.
    func say(_ line: String) {
        state.withLock { _ in StandardError.write("\(isTerminal ? "\r\u{1B}[K" : "")\(line)\n") }
    }

    /// Shows how it was at the end.
    func finish() {
        state.withLock { state in
            guard isTerminal else { return }
            show(&state)
            state.bar.end()
        }
    }

    private func show(_ state: inout State) {
        let size = Self.size(Double(state.bytes))
        state.bar.show(state.done, of: total, state.failed > 0 ? "\(size), \(state.failed) failed" : size)
    }

    /// `1.5 MB`, of 1000 kB.
    static func size(_ bytes: Double) -> String {
        guard bytes >= 1000 else { return "\(Int(bytes)) B" }
        var value = bytes
        var unit = "B"
        for next in ["kB", "MB", "GB", "TB"] where value >= 1000 {
            value /= 1000
            unit = next
        }
        return "\((value * 10).rounded() / 10) \(unit)"
    }
}
