// SPDX-License-Identifier: Apache-2.0

import HTTPFrontends
import Logging
import Metrics

/// Where logs and metrics go. Made once a process, before anything that logs or counts.
struct Observability: Sendable {
    let sink: LogSink
    let registry: PrometheusRegistry
    let level: Logger.Level

    /// - Parameter level: what is not logged is dropped at once.
    static func bootstrap(level: Logger.Level) -> Observability {
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        let sink = LogSink()
        LoggingSystem.bootstrap { label in JSONLogHandler(label: label, level: level, sink: sink) }
        return Observability(sink: sink, registry: registry, level: level)
    }
}
