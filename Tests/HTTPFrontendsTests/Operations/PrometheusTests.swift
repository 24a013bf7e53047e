// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Testing

@testable import HTTPFrontends

/// The metrics backend and the text it shows.
@Suite struct PrometheusTests {
    private func lines(_ registry: PrometheusRegistry, of name: String) -> [String] {
        registry.render().split(separator: "\n").map(String.init).filter { $0.contains(name) }
    }

    @Test func counterAndGaugeHaveOneLineALabelSet() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "hits.total", dimensions: [("path", "a")], factory: registry)
        counter.increment(by: 3)
        Counter(label: "hits.total", dimensions: [("path", "a")], factory: registry).increment()
        Counter(label: "hits.total", dimensions: [("path", "b")], factory: registry).increment()
        Gauge(label: "open", factory: registry).record(2.5)

        #expect(
            lines(registry, of: "hits_total") == [
                "# TYPE hits_total counter", #"hits_total{path="a"} 4"#, #"hits_total{path="b"} 1"#,
            ])
        #expect(lines(registry, of: "open") == ["# TYPE open gauge", "open 2.5"])
    }

    @Test func aTimerIsAHistogramInSeconds() {
        let registry = PrometheusRegistry()
        let timer = Timer(label: "took", dimensions: [("op", "x")], factory: registry)
        timer.recordNanoseconds(400_000)
        timer.recordNanoseconds(5_000_000)
        timer.recordNanoseconds(90_000_000_000)

        let lines = lines(registry, of: "took")
        #expect(lines.first == "# TYPE took histogram")
        #expect(lines.contains(#"took_bucket{op="x",le="0.0005"} 1"#))
        #expect(lines.contains(#"took_bucket{op="x",le="0.005"} 2"#))
        #expect(lines.contains(#"took_bucket{op="x",le="60"} 2"#))
        #expect(lines.contains(#"took_bucket{op="x",le="+Inf"} 3"#))
        #expect(lines.contains(#"took_count{op="x"} 3"#))
        #expect(lines.contains(#"took_sum{op="x"} 90.0054"#))
    }

    @Test func labelValuesAreEscaped() {
        let registry = PrometheusRegistry()
        Counter(label: "c", dimensions: [("v", "a\"b\\c\nd")], factory: registry).increment()
        #expect(lines(registry, of: "c{") == [#"c{v="a\"b\\c\nd"} 1"#])
    }

    @Test(arguments: [
        ("a.b-c/d", "a_b_c_d"), ("9lives", "_9lives"), ("", "_"), ("ok:name_1", "ok:name_1"), ("ü", "__"), ("a b\nc", "a_b_c"),
    ])
    func namesAreMadeValid(_ name: String, _ valid: String) {
        #expect(PrometheusText.metricName(name) == valid)
    }

    @Test(
        arguments: [
            (1.0, "1"), (0.5, "0.5"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (123_456_789_012, "123456789012"),
        ] as [(Double, String)])
    func numbersAreShownAsTheFormatWants(_ number: Double, _ text: String) {
        #expect(PrometheusText.shown(number) == text)
    }

    @Test func labelSetsAreBounded() {
        let registry = PrometheusRegistry(capacity: 10)
        for index in 0..<50 { Counter(label: "c", dimensions: [("i", "\(index)")], factory: registry).increment() }
        #expect(lines(registry, of: "c{").count == 10)
        #expect(lines(registry, of: "refused_total").last == "magpie_metrics_refused_total 40")
    }

    @Test func twoKindsUnderOneNameKeepTheTextValid() {
        let registry = PrometheusRegistry()
        Counter(label: "same", dimensions: [("a", "1")], factory: registry).increment()
        Timer(label: "same", dimensions: [("a", "2")], factory: registry).recordNanoseconds(1)
        #expect(lines(registry, of: "# TYPE same").count == 1)
    }

    @Test func concurrentCountsAreNotLost() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<1000 { Counter(label: "n", factory: registry).increment() } }
            }
        }
        #expect(lines(registry, of: "n 8000") == ["n 8000"])
    }
}
