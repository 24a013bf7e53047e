// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore

/// The fields of a JSON body, each with its type and nothing in its place: a text is no number here. A null says nothing, and what
/// has a name that means nothing is let go.
struct FilesFields {
    private let fields: [String: RequestValue]

    init(_ fields: [String: RequestValue]) { self.fields = fields }

    /// - Parameter mayBeMissing: whether an empty body is an empty object.
    /// - Throws: `FilesProblem` when the bytes are no JSON object, or hold U+0000.
    init(_ body: ByteBuffer, mayBeMissing: Bool = false) throws(FilesProblem) {
        if mayBeMissing, body.readableBytes == 0 {
            self.init([:])
            return
        }
        let value: RequestValue
        do {
            value = try JSONDecoder().decode(RequestValue.self, from: Data(body.readableBytesView))
        } catch {
            throw .invalid("body", "is no JSON")
        }
        guard case .object(let fields) = value else { throw .invalid("body", "must be a JSON object") }
        guard !value.containsNUL else { throw .invalid("body", "must not contain U+0000") }
        self.init(fields)
    }

    /// Whether something is said, be it null.
    func contains(_ name: String) -> Bool { fields[name] != nil }

    /// As it came. Nil where it is missing.
    func value(_ name: String) -> RequestValue? { fields[name] }

    func string(_ name: String) throws(FilesProblem) -> String? {
        switch fields[name] {
        case nil, .null: nil
        case .string(let text): text
        default: throw .invalid(name, "must be text")
        }
    }

    func requiredString(_ name: String) throws(FilesProblem) -> String {
        guard let text = try string(name) else { throw .invalid(name, "is missing") }
        return text
    }

    func integer(_ name: String) throws(FilesProblem) -> Int64? {
        switch fields[name] {
        case nil, .null: return nil
        // Beyond 2⁵³ a number of JSON is no longer the one that was meant (RFC 8259 §6).
        case .number(let number) where number == number.rounded() && abs(number) <= 9_007_199_254_740_991:
            return Int64(number)
        default: throw .invalid(name, "must be a whole number")
        }
    }

    func requiredInteger(_ name: String) throws(FilesProblem) -> Int64 {
        guard let number = try integer(name) else { throw .invalid(name, "is missing") }
        return number
    }

    func strings(_ name: String) throws(FilesProblem) -> [String]? {
        let problem = FilesProblem.invalid(name, "must be a list of texts")
        switch fields[name] {
        case nil, .null: return nil
        case .array(let items):
            var texts: [String] = []
            for item in items {
                guard case .string(let text) = item else { throw problem }
                texts.append(text)
            }
            return texts
        default: throw problem
        }
    }

    func object(_ name: String) throws(FilesProblem) -> [String: RequestValue]? {
        switch fields[name] {
        case nil, .null: nil
        case .object(let fields): fields
        default: throw .invalid(name, "must be an object")
        }
    }

    func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String, of type: Choice.Type = Choice.self
    ) throws(FilesProblem) -> Choice? {
        guard let text = try string(name) else { return nil }
        return try Self.choice(name, text)
    }

    static func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String, _ text: String, of type: Choice.Type = Choice.self
    ) throws(FilesProblem) -> Choice {
        guard let choice = Choice(rawValue: text) else {
            throw .invalid(name, "must be one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }
}
