// SPDX-License-Identifier: Apache-2.0

public import CoreMetrics
import Synchronization

/// Metrics in memory, for Prometheus to fetch: the backend behind `Metrics`.
///
/// Timers become histograms in seconds with fixed buckets. Label sets are bounded: what comes beyond is not recorded, and
/// counted under a name of its own.
public final class PrometheusRegistry: MetricsFactory {
    private struct Key: Hashable {
        var name: String
        var labels: PrometheusLabels
    }

    private struct State {
        var instruments: [Key: PrometheusInstrument] = [:]
        var refused: Int64 = 0
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: how many label sets are kept, of all metrics together.
    public init(capacity: Int = 20_000) { self.capacity = capacity }

    /// Everything as text in the exposition format 0.0.4.
    public func render() -> String {
        let (families, refused) = state.withLock { state in
            (Dictionary(grouping: state.instruments, by: \.key.name), state.refused)
        }
        var samples = families.map { name, members in
            PrometheusFamily(
                name: name,
                members: members.map { key, instrument in (key.labels, instrument.value) }.sorted { $0.0.text < $1.0.text })
        }
        samples.append(
            PrometheusFamily(name: "magpie_metrics_refused_total", members: [(PrometheusLabels([]), .counter(Double(refused)))]))
        return PrometheusText.render(samples.sorted { $0.name < $1.name })
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        instrument(label, dimensions) { .counter(PrometheusCounter()) }.counter ?? PrometheusCounter()
    }

    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        instrument(label, dimensions) { .counter(PrometheusCounter()) }.counter ?? PrometheusCounter()
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        instrument(label, dimensions) { .gauge(PrometheusGauge()) }.gauge ?? PrometheusGauge()
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            let buckets = PrometheusHistogram.sizeBuckets
            return instrument(label, dimensions) { .histogram(PrometheusHistogram(buckets)) }.histogram
                ?? PrometheusHistogram(buckets)
        }
        return instrument(label, dimensions) { .gauge(PrometheusGauge()) }.gauge ?? PrometheusGauge()
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let buckets = PrometheusHistogram.latencyBuckets
        return instrument(label, dimensions) { .histogram(PrometheusHistogram(buckets)) }.histogram
            ?? PrometheusHistogram(buckets)
    }

    // Handles are kept for the life of the process and shared by label set: destroying one must not reset the series that
    // another still counts in.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    /// The instrument of a label set: the one there is, or a new one. One of another kind under the same name is returned as it
    /// is, and the caller then records into nothing: two kinds under one name would make the text invalid.
    private func instrument(
        _ name: String, _ labels: [(String, String)], _ make: () -> PrometheusInstrument
    ) -> PrometheusInstrument {
        let key = Key(name: PrometheusText.metricName(name), labels: PrometheusLabels(labels))
        return state.withLock { state in
            if let known = state.instruments[key] { return known }
            let made = make()
            guard state.instruments.count < capacity else {
                state.refused += 1
                return made
            }
            state.instruments[key] = made
            return made
        }
    }
}
