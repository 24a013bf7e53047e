// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Synchronization

/// What is behind one label set.
enum PrometheusInstrument: Sendable {
    case counter(PrometheusCounter)
    case gauge(PrometheusGauge)
    case histogram(PrometheusHistogram)

    var counter: PrometheusCounter? { if case .counter(let counter) = self { counter } else { nil } }
    var gauge: PrometheusGauge? { if case .gauge(let gauge) = self { gauge } else { nil } }
    var histogram: PrometheusHistogram? { if case .histogram(let histogram) = self { histogram } else { nil } }

    var value: PrometheusValue {
        switch self {
        case .counter(let counter): .counter(counter.value)
        case .gauge(let gauge): .gauge(gauge.value)
        case .histogram(let histogram): histogram.value
        }
    }
}

/// A number that only grows. Whole steps, which is nearly all of them, take one atomic addition.
final class PrometheusCounter: CounterHandler, FloatingPointCounterHandler {
    private let whole = Atomic<Int64>(0)
    private let fraction = Mutex(0.0)

    var value: Double { Double(whole.load(ordering: .relaxed)) + fraction.withLock { $0 } }

    func increment(by amount: Int64) { whole.wrappingAdd(amount, ordering: .relaxed) }
    func increment(by amount: Double) { fraction.withLock { $0 += amount } }
    func reset() {
        whole.store(0, ordering: .relaxed)
        fraction.withLock { $0 = 0 }
    }
}

/// A number that goes up and down.
final class PrometheusGauge: MeterHandler, RecorderHandler {
    private let current = Mutex(0.0)

    var value: Double { current.withLock { $0 } }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { current.withLock { $0 = value } }
    func increment(by amount: Double) { current.withLock { $0 += amount } }
    func decrement(by amount: Double) { current.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
}

/// How often values fell into each of some fixed ranges.
final class PrometheusHistogram: TimerHandler, RecorderHandler {
    /// In seconds.
    static let latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    /// For sizes and counts.
    static let sizeBuckets: [Double] = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

    private struct Counts {
        var ranges: [UInt64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let counts: Mutex<Counts>

    init(_ bounds: [Double]) {
        self.bounds = bounds
        self.counts = Mutex(Counts(ranges: Array(repeating: 0, count: bounds.count + 1)))
    }

    var value: PrometheusValue {
        let counts = counts.withLock { $0 }
        var total: UInt64 = 0
        let cumulative = counts.ranges.map { range in
            total += range
            return total
        }
        return .histogram(bounds: bounds, cumulative: cumulative, sum: counts.sum)
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        counts.withLock { counts in
            counts.ranges[index] += 1
            counts.sum += value
        }
    }
}
