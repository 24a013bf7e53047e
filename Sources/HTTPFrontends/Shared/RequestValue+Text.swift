// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension RequestValue {
    /// The value as JSON without spaces, its fields in the order of their names. Whole numbers have no point.
    var json: JSONText {
        var writer = JSONWriter()
        write(to: &writer)
        return JSONText(trusted: writer.text)
    }

    private func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.string(nil)
        case .bool(let value): writer.bool(value)
        case .number(let number) where number == number.rounded() && abs(number) <= 9_007_199_254_740_991:
            writer.integer(Int64(number))
        case .number(let number): writer.json(number.isFinite ? JSONText(trusted: "\(number)") : nil)
        case .string(let text): writer.string(text)
        case .array(let items): writer.array(items) { writer, item in item.write(to: &writer) }
        case .object(let fields):
            writer.object { writer in
                for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
                    writer.key(name)
                    value.write(to: &writer)
                }
            }
        }
    }
}
