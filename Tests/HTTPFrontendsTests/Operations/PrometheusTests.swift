// SPDX-License-Identifier: Apache-2.0

import Metrics
import Testing

@testable import HTTPFrontends

@Suite struct PrometheusTests {
    private let registry = PrometheusRegistry()

    private func lines(_ prefix: String) -> [String] {
        registry.render().split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
    }

    @Test func countersAddUpByLabelSet() {
        Counter(label: "requests_total", dimensions: [("method", "GET")], factory: registry).increment(by: 2)
        Counter(label: "requests_total", dimensions: [("method", "GET")], factory: registry).increment()
        Counter(label: "requests_total", dimensions: [("method", "PUT")], factory: registry).increment()
        FloatingPointCounter(label: "seconds_total", factory: registry).increment(by: 0.25)
        #expect(lines("requests_total") == ["requests_total{method=\"GET\"} 3", "requests_total{method=\"PUT\"} 1"])
        #expect(lines("seconds_total") == ["seconds_total 0.25"])
        #expect(lines("# TYPE requests_total") == ["# TYPE requests_total counter"])
    }

    @Test func gaugesShowTheirLastValue() {
        let gauge = Gauge(label: "open", factory: registry)
        gauge.record(5)
        gauge.record(2.5)
        #expect(lines("open") == ["open 2.5"])
        #expect(lines("# TYPE open") == ["# TYPE open gauge"])
    }

    @Test func timersAreCumulativeHistogramsInSeconds() {
        let timer = Timer(label: "duration_seconds", dimensions: [("a", "b")], factory: registry)
        timer.recordMilliseconds(1)
        timer.recordMilliseconds(40)
        timer.recordSeconds(100)
        let buckets = lines("duration_seconds_bucket")
        #expect(buckets.count == PrometheusHistogram.latencyBuckets.count + 1)
        #expect(buckets.first == "duration_seconds_bucket{a=\"b\",le=\"0.0005\"} 0")
        #expect(buckets.contains("duration_seconds_bucket{a=\"b\",le=\"0.001\"} 1"))
        #expect(buckets.contains("duration_seconds_bucket{a=\"b\",le=\"0.05\"} 2"))
        #expect(buckets.contains("duration_seconds_bucket{a=\"b\",le=\"60\"} 2"))
        #expect(buckets.last == "duration_seconds_bucket{a=\"b\",le=\"+Inf\"} 3")
        #expect(lines("duration_seconds_count") == ["duration_seconds_count{a=\"b\"} 3"])
        #expect(lines("duration_seconds_sum") == ["duration_seconds_sum{a=\"b\"} 100.041"])
        #expect(lines("# TYPE duration_seconds") == ["# TYPE duration_seconds histogram"])
    }

    @Test func labelValuesAreEscaped() {
        Counter(label: "c", dimensions: [("path", "a\\b\"c\nd")], factory: registry).increment()
        #expect(lines("c{") == [#"c{path="a\\b\"c\nd"} 1"#])
    }

    @Test(arguments: [("a.b-c", "a_b_c"), ("9lives", "_9lives"), ("x:y", "x:y"), ("", "_"), ("ü", "__")])
    func metricNamesAreMadeValid(name: String, valid: String) { #expect(PrometheusText.metricName(name) == valid) }

    @Test func labelNamesHaveNoColon() { #expect(PrometheusText.labelName("a:b") == "a_b") }

    @Test(arguments: [
        (0.0, "0"), (-3, "-3"), (0.5, "0.5"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e18, "1e+18"),
    ])
    func numbersAreWrittenAsTheFormatHasThem(number: Double, text: String) { #expect(PrometheusText.shown(number) == text) }

    @Test func labelSetsAreBoundedAndWhatComesBeyondIsCounted() {
        let registry = PrometheusRegistry(capacity: 2)
        for index in 0..<5 { Counter(label: "many", dimensions: [("i", "\(index)")], factory: registry).increment() }
        let lines = registry.render().split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("many{") } == 2)
        #expect(lines.contains("magpie_metrics_refused_total 3"))
    }

    @Test func aSecondKindUnderOneNameDoesNotSpoilTheText() {
        Counter(label: "thing", factory: registry).increment(by: 7)
        Gauge(label: "thing", factory: registry).record(1)
        #expect(lines("thing") == ["thing 7"])
    }

    @Test func concurrentIncrementsAreAllCounted() async {
        let counter = Counter(label: "busy", factory: registry)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<1000 { counter.increment() } } }
        }
        #expect(lines("busy") == ["busy 8000"])
    }
}
