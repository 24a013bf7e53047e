// SPDX-License-Identifier: Apache-2.0

import Metrics

/// The pool's gauges and counter, made once.
struct PoolMetrics: Sendable {
    private let open = Gauge(label: "magpie_db_connections_open")
    private let inUse = Gauge(label: "magpie_db_connections_in_use")
    private let waiting = Gauge(label: "magpie_db_connections_waiting")
    private let timeouts = Counter(label: "magpie_db_acquire_timeouts_total")

    func record(open: Int, inUse: Int, waiting: Int) {
        self.open.record(open)
        self.inUse.record(inUse)
        self.waiting.record(waiting)
    }

    func countTimeout() { timeouts.increment() }
}
