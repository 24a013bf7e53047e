// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Shows how far something is: a bar that is drawn again on a terminal, elsewhere a line now and then.
struct ProgressBar {
    private static let width = 30
    /// Between two lines where there is no terminal.
    private static let interval = Duration.seconds(5)

    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var lastLine: ContinuousClock.Instant?

    /// - Parameters:
    ///   - total: nil while nobody knows.
    ///   - note: what else there is to say.
    mutating func show(_ done: Int64, of total: Int64?, _ note: String = "") {
        if isTerminal {
            let share = total.map { $0 > 0 ? min(1, Double(done) / Double($0)) : 1 } ?? 0
            let filled = Int(share * Double(Self.width))
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
            StandardError.write("\r\u{1B}[K[\(bar)] \(text(done, total, note))")
        } else if lastLine.map({ .now - $0 >= Self.interval }) ?? true {
            lastLine = .now
            StandardError.write(text(done, total, note) + "\n")
        }
    }

    /// Leaves the last state on the screen.
    func end() { if isTerminal { StandardError.write("\n") } }

    private func text(_ done: Int64, _ total: Int64?, _ note: String) -> String {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let rate = seconds > 1 ? ", \((Double(done) / seconds).formatted(.number.precision(.fractionLength(1))))/s" : ""
        return "\(done)/\(total.map { "\($0)" } ?? "?")\(rate)\(note.isEmpty ? "" : ", \(note)")"
    }
}
