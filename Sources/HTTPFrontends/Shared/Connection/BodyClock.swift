// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// How long a body has kept us waiting.
struct BodyClock {
    private(set) var count: Int64 = 0
    private var waited: TimeAmount = .zero
    private var waitingSince: NIODeadline?
    /// False while the client waits for `100 Continue`.
    var isExpectedByClient = true

    var hasBegun: Bool { count > 0 }

    mutating func received(_ bytes: Int) {
        count += Int64(bytes)
        if let since = waitingSince { waited = waited + (.now() - since) }
        waitingSince = nil
    }

    /// The server would take more.
    mutating func wanted() {
        if waitingSince == nil, isExpectedByClient { waitingSince = .now() }
    }

    func isTooSlow(_ now: NIODeadline, _ limits: ConnectionLimits) -> Bool {
        let current = waitingSince.map { now - $0 } ?? .zero
        if current > limits.bodyIdleTimeout { return true }
        let total = waited + current
        guard total > limits.bodyGracePeriod else { return false }
        return Double(count) / (Double(total.nanoseconds) / 1e9) < Double(limits.minimumBodyRate)
    }
}
