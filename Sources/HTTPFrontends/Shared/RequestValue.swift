// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A JSON value of a request body.
enum RequestValue: Decodable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([RequestValue])
    case object([String: RequestValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // One after the other until one fits; the last says what is wrong.
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([RequestValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: RequestValue].self))
        }
    }

    /// Whether some text in here holds U+0000, which no Postgres value can.
    var containsNUL: Bool {
        switch self {
        case .null, .bool, .number: false
        case .string(let text): text.utf8.contains(0)
        case .array(let items): items.contains(where: \.containsNUL)
        case .object(let fields): fields.contains { $0.key.utf8.contains(0) || $0.value.containsNUL }
        }
    }
}
