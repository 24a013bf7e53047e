// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
import HummingbirdCore
public import Metrics

/// Accepts connections up to a number; further ones wait in the kernel's queue until one closes.
public struct ConnectionAdmission: AvailableConnectionsDelegate {
    private let limit: Int
    private var open = 0
    private let gauge: Gauge
    private let accepted: Counter

    /// - Parameter factory: where the metrics come from; the process's own by default.
    public init(limit: Int, factory: any MetricsFactory = MetricsSystem.factory) {
        self.limit = limit
        self.gauge = Gauge(label: "magpie_http_connections", factory: factory)
        self.accepted = Counter(label: "magpie_http_connections_total", factory: factory)
    }

    public mutating func connectionOpened() {
        open += 1
        accepted.increment()
        gauge.record(open)
    }

    public mutating func connectionClosed() {
        open -= 1
        gauge.record(open)
    }

    public func isAcceptingNewConnections() -> Bool { open < limit }
}
