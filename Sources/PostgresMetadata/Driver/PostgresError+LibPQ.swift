// SPDX-License-Identifier: Apache-2.0

import CLibPQ

extension PostgresError {
    /// The error that a result carries.
    init(_ result: PGResult, statement: String?) {
        func field(_ code: Int32) -> String? { PQresultErrorField(result.pointer, code).map { String(cString: $0) } }
        let whole = PQresultErrorMessage(result.pointer).map { String(cString: $0) } ?? ""
        self.init(
            .server, field(.message) ?? whole, sqlState: field(.sqlState).map(SQLState.init(rawValue:)),
            detail: field(.detail), hint: field(.hint), schema: field(.schema), table: field(.table),
            constraint: field(.constraint), statement: statement)
        isFromPlanCache = field(.function) == "RevalidateCachedQuery"
        let severity = field(.severity)
        // Without a SQLSTATE the report is libpq's own, about the loss of the connection.
        endsConnection = sqlState == nil || severity == "FATAL" || severity == "PANIC"
    }

    /// Why a connection could not be made, from libpq's verbose message.
    init(connectMessage text: String) {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("LOCATION:") }
        self.init(.connectFailed, lines.joined(separator: " "), sqlState: Self.sqlState(inVerbose: text))
    }

    /// Finds `FATAL:  57P03: the database system is starting up`. The word before depends on the language, the form does not.
    private static func sqlState(inVerbose text: String) -> SQLState? {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            for (word, next) in zip(words, words.dropFirst())
            where word.hasSuffix(":") && next.utf8.count == 6 && next.hasSuffix(":") {
                let code = next.dropLast()
                if code.utf8.allSatisfy({ (48...57).contains($0) || (65...90).contains($0) }), code.contains(where: \.isNumber) {
                    return SQLState(rawValue: String(code))
                }
            }
        }
        return nil
    }
}

// Field codes of error reports (PostgreSQL 15, §55.8).
extension Int32 {
    fileprivate static let severity = Int32(UInt8(ascii: "V"))
    fileprivate static let sqlState = Int32(UInt8(ascii: "C"))
    fileprivate static let message = Int32(UInt8(ascii: "M"))
    fileprivate static let detail = Int32(UInt8(ascii: "D"))
    fileprivate static let hint = Int32(UInt8(ascii: "H"))
    fileprivate static let schema = Int32(UInt8(ascii: "s"))
    fileprivate static let table = Int32(UInt8(ascii: "t"))
    fileprivate static let constraint = Int32(UInt8(ascii: "n"))
    fileprivate static let function = Int32(UInt8(ascii: "R"))
}
