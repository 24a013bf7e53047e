// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Dates as the languages of clients write them: RFC 3339, with any number of digits behind the second, without a zone, or a day alone.
/// What says no zone is in UTC.
enum DateText {
    static func read(_ text: String) -> Timestamp? {
        guard text.utf8.count <= 40 else { return nil }
        var rest = Substring(text)
        let day = rest.prefix(10)
        rest = rest.dropFirst(10)
        if rest.isEmpty { return Timestamp(iso8601: "\(day)T00:00:00Z") }
        guard let mark = rest.popFirst(), mark == "T" || mark == "t" || mark == " " else { return nil }
        let time = rest.prefix(8)
        rest = rest.dropFirst(8)
        var fraction = ""
        if rest.first == "." {
            rest = rest.dropFirst()
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty else { return nil }
            // .NET writes seven digits; the database keeps six.
            fraction = "." + digits.prefix(6)
            rest = rest.dropFirst(digits.count)
        }
        guard let moment = Timestamp(iso8601: "\(day)T\(time)\(fraction)Z"), let offset = offset(rest) else { return nil }
        let result = moment.adding(seconds: -offset)
        // Written with a year of four digits wherever it is read.
        return result >= first && result <= last ? result : nil
    }

    private static let first = Timestamp(iso8601: "0001-01-01T00:00:00Z") ?? Timestamp(seconds: 0)
    private static let last = Timestamp(iso8601: "9999-12-31T23:59:59Z") ?? Timestamp(seconds: 0)

    /// In seconds east of Greenwich: nothing, `Z`, `+02:00`.
    private static func offset(_ text: Substring) -> Int64? {
        if text.isEmpty || text == "Z" || text == "z" { return 0 }
        let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard let sign = text.first, sign == "+" || sign == "-", parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            let hours = Int64(parts[0]), let minutes = Int64(parts[1]), (0...14).contains(hours), (0..<60).contains(minutes)
        else { return nil }
        let seconds = hours * 3600 + minutes * 60
        return sign == "-" ? -seconds : seconds
    }
}
