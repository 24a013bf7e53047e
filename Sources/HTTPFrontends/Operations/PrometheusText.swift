// SPDX-License-Identifier: Apache-2.0

/// What one label set shows.
enum PrometheusValue: Equatable {
    case counter(Double)
    case gauge(Double)
    /// `cumulative` has one count more than there are bounds: that of all values.
    case histogram(bounds: [Double], cumulative: [UInt64], sum: Double)

    var kind: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}

/// All label sets of one name.
struct PrometheusFamily {
    var name: String
    var members: [(PrometheusLabels, PrometheusValue)]
}

/// A label set, already as text: `a="1",b="2"`.
struct PrometheusLabels: Hashable {
    let text: String

    init(_ labels: [(String, String)]) {
        self.text = labels.map { PrometheusText.labelName($0) + "=\"" + PrometheusText.escaped($1) + "\"" }.joined(separator: ",")
    }
}

/// The text exposition format 0.0.4 of Prometheus.
enum PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Families of one kind each; a member of another kind than the first of its family is left out, because the format
    /// knows one TYPE a name.
    static func render(_ families: [PrometheusFamily]) -> String {
        var text = ""
        for family in families {
            guard let kind = family.members.first?.1.kind else { continue }
            text += "# TYPE \(family.name) \(kind)\n"
            for (labels, value) in family.members where value.kind == kind { write(family.name, labels.text, value, to: &text) }
        }
        return text
    }

    private static func write(_ name: String, _ labels: String, _ value: PrometheusValue, to text: inout String) {
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        switch value {
        case .counter(let number), .gauge(let number): text += "\(name)\(braces) \(shown(number))\n"
        case .histogram(let bounds, let cumulative, let sum):
            let prefix = labels.isEmpty ? "" : labels + ","
            for (bound, count) in zip(bounds.map(shown) + ["+Inf"], cumulative) {
                text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(count)\n"
            }
            text += "\(name)_sum\(braces) \(shown(sum))\n\(name)_count\(braces) \(cumulative.last ?? 0)\n"
        }
    }

    /// A number as Go would write it, which the format is defined by.
    static func shown(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number > 0 ? "+Inf" : "-Inf" }
        return number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : String(number)
    }

    /// In a label's value: backslash, quote and line feed.
    static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") })
        else {
            return value
        }
        return value.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`; anything else becomes `_`.
    static func metricName(_ name: String) -> String { sanitised(name, alsoColon: true) }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`.
    static func labelName(_ name: String) -> String { sanitised(name, alsoColon: false) }

    private static func sanitised(_ name: String, alsoColon: Bool) -> String {
        var text = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if text.isEmpty { text = "_" }
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ":") where alsoColon: text += ":"
            default: text += "_"
            }
        }
        return text.isEmpty ? "_" : text
    }
}
