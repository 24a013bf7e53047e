// SPDX-License-Identifier: Apache-2.0

import CLibPQ

/// What one statement answered.
struct ResultSet: Sendable {
    private let result: PGResult?

    init(_ result: PGResult?) { self.result = result }

    /// The rows, read from libpq's memory as they are asked for.
    var rows: Rows { Rows(result: result) }

    /// How many rows an INSERT, UPDATE, DELETE, MERGE or SELECT touched.
    var affected: Int { result?.affected ?? 0 }

    /// The only row. - Throws: `.unexpectedResult` when there is none or more than one.
    func onlyRow() throws(PostgresError) -> Row {
        guard let row = try optionalRow() else { throw PostgresError(.unexpectedResult, "expected one row, got none") }
        return row
    }

    /// The only row, or nil when there is none. - Throws: `.unexpectedResult` when there are more.
    func optionalRow() throws(PostgresError) -> Row? {
        guard rows.count <= 1 else { throw PostgresError(.unexpectedResult, "expected one row, got \(rows.count)") }
        return rows.first
    }
}

/// The rows of a result.
struct Rows: RandomAccessCollection, Sendable {
    fileprivate let result: PGResult?

    var startIndex: Int { 0 }
    var endIndex: Int { result?.rowCount ?? 0 }

    subscript(index: Int) -> Row {
        guard let result, index >= 0, index < result.rowCount else { preconditionFailure("row \(index) is out of range") }
        return Row(result: result, index: Int32(index))
    }
}

/// A result of libpq, freed with its last reader.
final class PGResult: @unchecked Sendable {
    // Sendable: libpq writes a PGresult only while it arrives; afterwards any number of threads may read it (libpq §34.20).
    let pointer: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
        self.rowCount = Int(PQntuples(pointer))
        self.columnCount = Int(PQnfields(pointer))
    }

    deinit { PQclear(pointer) }

    var affected: Int {
        guard let text = PQcmdTuples(pointer) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    /// `COMMIT`, `INSERT 0 1`, …
    var commandTag: String {
        guard let text = PQcmdStatus(pointer) else { return "" }
        return String(cString: text)
    }
}
