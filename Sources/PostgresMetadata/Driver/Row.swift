// SPDX-License-Identifier: Apache-2.0

import CLibPQ
import MediaCore

/// One row of a result; columns are read by their index.
///
/// Each reader throws `PostgresError` of kind `.unexpectedResult` when the column does not exist, is NULL (except in the optional
/// readers) or holds text of another form.
struct Row: Sendable {
    let result: PGResult
    let index: Int32

    func isNull(_ column: Int) throws(PostgresError) -> Bool {
        guard column >= 0, column < result.columnCount else { throw unexpected(column, "does not exist") }
        return PQgetisnull(result.pointer, index, Int32(column)) == 1
    }

    func optionalString(_ column: Int) throws(PostgresError) -> String? {
        guard try !isNull(column) else { return nil }
        guard let bytes = PQgetvalue(result.pointer, index, Int32(column)) else { throw unexpected(column, "has no value") }
        let length = Int(PQgetlength(result.pointer, index, Int32(column)))
        return bytes.withMemoryRebound(to: UInt8.self, capacity: length) {
            String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
        }
    }

    func optionalInt64(_ column: Int) throws(PostgresError) -> Int64? {
        guard let text = try optionalString(column) else { return nil }
        guard let value = Int64(text) else { throw unexpected(column, "is not an integer") }
        return value
    }

    func optionalDouble(_ column: Int) throws(PostgresError) -> Double? {
        guard let text = try optionalString(column) else { return nil }
        guard let value = Double(text) else { throw unexpected(column, "is not a number") }
        return value
    }

    func optionalBool(_ column: Int) throws(PostgresError) -> Bool? {
        switch try optionalString(column) {
        case nil: return nil
        case "t": return true
        case "f": return false
        default: throw unexpected(column, "is not a boolean")
        }
    }

    /// A moment selected as a `bigint` of microseconds since 1970: `(extract(epoch from c) * 1000000)::bigint`.
    func optionalTimestamp(_ column: Int) throws(PostgresError) -> Timestamp? {
        try optionalInt64(column).map { Timestamp(microseconds: $0) }
    }

    /// A `json` or `jsonb` column, as Postgres wrote it.
    func optionalJSON(_ column: Int) throws(PostgresError) -> JSONText? {
        try optionalString(column).map { JSONText(trusted: $0) }
    }

    /// A one-dimensional `text[]` without NULL elements.
    func optionalStrings(_ column: Int) throws(PostgresError) -> [String]? {
        guard let text = try optionalString(column) else { return nil }
        guard let elements = ArrayLiteral.parse(text) else { throw unexpected(column, "is not a list of strings") }
        return elements
    }

    func string(_ column: Int) throws(PostgresError) -> String { try present(column, optionalString(column)) }
    func int64(_ column: Int) throws(PostgresError) -> Int64 { try present(column, optionalInt64(column)) }
    func int(_ column: Int) throws(PostgresError) -> Int {
        guard let value = Int(exactly: try int64(column)) else { throw unexpected(column, "is out of range") }
        return value
    }
    func double(_ column: Int) throws(PostgresError) -> Double { try present(column, optionalDouble(column)) }
    func bool(_ column: Int) throws(PostgresError) -> Bool { try present(column, optionalBool(column)) }
    func timestamp(_ column: Int) throws(PostgresError) -> Timestamp { try present(column, optionalTimestamp(column)) }
    func json(_ column: Int) throws(PostgresError) -> JSONText { try present(column, optionalJSON(column)) }
    func strings(_ column: Int) throws(PostgresError) -> [String] { try present(column, optionalStrings(column)) }

    private func present<Value>(_ column: Int, _ value: Value?) throws(PostgresError) -> Value {
        guard let value else { throw unexpected(column, "is NULL") }
        return value
    }

    private func unexpected(_ column: Int, _ what: String) -> PostgresError {
        let name = PQfname(result.pointer, Int32(column)).map { " (\(String(cString: $0)))" } ?? ""
        return PostgresError(.unexpectedResult, "column \(column)\(name) \(what)")
    }
}
