// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The fields of a JSON body or of a query string, read with the coercions that existing clients rely on: numbers and
/// booleans may come as strings.
///
/// Every failure is a `SupabaseError.validation` that names the field as the reference does: `body/limit must be >= 1`.
struct RequestFields {
    /// `body` or `querystring`.
    let location: String
    let fields: [String: RequestValue]

    init(location: String, fields: [String: RequestValue]) {
        self.location = location
        self.fields = fields
    }

    /// - Throws: `SupabaseError` when the text is not a JSON object.
    init(body: some Sequence<UInt8>) throws(SupabaseError) {
        let value: RequestValue
        do {
            value = try JSONDecoder().decode(RequestValue.self, from: Data(body))
        } catch {
            throw .malformedJSON
        }
        guard case .object(let fields) = value else { throw .validation("body must be object") }
        self.init(location: "body", fields: fields)
    }

    /// Nil when the field is absent or null.
    func string(_ name: String) throws(SupabaseError) -> String? {
        switch fields[name] {
        case nil, .null: nil
        case .string(let text): text
        case .bool(let value): value ? "true" : "false"
        case .number(let value): value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
        case .array, .object: throw invalid(name, "must be string")
        }
    }

    func requiredString(_ name: String) throws(SupabaseError) -> String {
        guard let value = try string(name) else { throw missing(name) }
        return value
    }

    func bool(_ name: String) throws(SupabaseError) -> Bool? {
        switch fields[name] {
        case nil, .null: nil
        case .bool(let value): value
        case .string("true"), .number(1): true
        case .string("false"), .number(0): false
        case .string, .number, .array, .object: throw invalid(name, "must be boolean")
        }
    }

    /// An integer of at least `minimum`.
    func integer(_ name: String, minimum: Int64) throws(SupabaseError) -> Int64? {
        let number: Double
        switch fields[name] {
        case nil, .null: return nil
        case .number(let value): number = value
        case .string(let text):
            guard let value = Double(text.trimmingCharacters(in: .whitespaces)) else { throw invalid(name, "must be integer") }
            number = value
        case .bool, .array, .object: throw invalid(name, "must be integer")
        }
        guard number.isFinite, number == number.rounded(), abs(number) <= 9_007_199_254_740_991 else {
            throw invalid(name, "must be integer")
        }
        guard number >= Double(minimum) else { throw invalid(name, "must be >= \(minimum)") }
        return Int64(number)
    }

    func strings(_ name: String) throws(SupabaseError) -> [String]? {
        switch fields[name] {
        case nil, .null: return nil
        case .array(let items):
            var result: [String] = []
            for (index, item) in items.enumerated() {
                guard case .string(let text) = item else { throw invalid("\(name)/\(index)", "must be string") }
                result.append(text)
            }
            return result
        case .bool, .number, .string, .object: throw invalid(name, "must be array")
        }
    }

    func object(_ name: String) throws(SupabaseError) -> RequestFields? {
        switch fields[name] {
        case nil, .null: nil
        case .object(let fields): RequestFields(location: "\(location)/\(name)", fields: fields)
        case .bool, .number, .string, .array: throw invalid(name, "must be object")
        }
    }

    func choice<Choice: CaseIterable & RawRepresentable<String>>(_ name: String, of: Choice.Type) throws(SupabaseError) -> Choice?
    {
        guard let text = try string(name) else { return nil }
        guard let choice = Choice(rawValue: text) else { throw invalid(name, "must be equal to one of the allowed values") }
        return choice
    }

    func requiredChoice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String, of type: Choice.Type
    ) throws(SupabaseError) -> Choice {
        guard let choice = try choice(name, of: type) else { throw missing(name) }
        return choice
    }

    func has(_ name: String) -> Bool { fields[name] != nil }

    func isNull(_ name: String) -> Bool {
        if case .null = fields[name] { true } else { false }
    }

    func missing(_ name: String) -> SupabaseError { .validation("\(location) must have required property '\(name)'") }
    func invalid(_ name: String, _ rule: String) -> SupabaseError { .validation("\(location)/\(name) \(rule)") }
}
