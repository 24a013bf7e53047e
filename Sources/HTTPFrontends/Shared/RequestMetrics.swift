// SPDX-License-Identifier: Apache-2.0

public import Metrics
import Synchronization

/// Counters and latencies of requests by front-end, operation, method and class of status.
///
/// The handles of a label set are made once and kept: a request costs one dictionary lookup. Label sets are few because
/// operations come from a closed list and unknown methods count as one.
public final class RequestMetrics: Sendable {
    private struct Labels: Hashable {
        var frontend: String
        var operation: String
        var method: String
        var statusClass: Int
    }

    private struct Handles {
        var requests: Counter
        var duration: Timer
        var bytesIn: Counter
        var bytesOut: Counter
    }

    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    private static let mostLabelSets = 4096

    private let factory: any MetricsFactory
    private let handles = Mutex<[Labels: Handles]>([:])

    /// - Parameter factory: where the handles come from; the process's own by default.
    public init(factory: any MetricsFactory = MetricsSystem.factory) { self.factory = factory }

    func count(_ request: AnsweredRequest) {
        let labels = Labels(
            frontend: request.frontend, operation: request.operation,
            method: Self.methods.contains(request.method) ? request.method : "other",
            statusClass: min(max(request.status / 100, 0), 9))
        let handles = handles.withLock { known in
            if let found = known[labels] { return found }
            let made = make(labels)
            // A front-end that makes up operation names must not be able to fill the memory.
            if known.count < Self.mostLabelSets { known[labels] = made }
            return made
        }
        handles.requests.increment()
        handles.duration.recordNanoseconds(request.nanoseconds)
        if request.bytesIn > 0 { handles.bytesIn.increment(by: request.bytesIn) }
        if request.bytesOut > 0 { handles.bytesOut.increment(by: request.bytesOut) }
    }

    private func make(_ labels: Labels) -> Handles {
        let kind = [("frontend", labels.frontend), ("operation", labels.operation)]
        let full = kind + [("method", labels.method), ("status", "\(labels.statusClass)xx")]
        return Handles(
            requests: Counter(label: "magpie_http_requests_total", dimensions: full, factory: factory),
            duration: Timer(label: "magpie_http_request_duration_seconds", dimensions: full, factory: factory),
            bytesIn: Counter(label: "magpie_http_request_bytes_total", dimensions: kind, factory: factory),
            bytesOut: Counter(label: "magpie_http_response_bytes_total", dimensions: kind, factory: factory))
    }
}
