// SPDX-License-Identifier: Apache-2.0

/// A moment in whole seconds, as signatures write it.
public struct SigningTime: Hashable, Comparable, Sendable {
    /// Years 0000 to 9999, so that every time has its texts.
    private static let range = -62_167_219_200...253_402_300_799 as ClosedRange<Int64>

    public let secondsSince1970: Int64

    /// Times beyond the years 0 to 9999 become the nearest in them.
    public init(secondsSince1970: Int64) {
        self.secondsSince1970 = min(max(secondsSince1970, Self.range.lowerBound), Self.range.upperBound)
    }

    /// Reads `20130524T000000Z`, the value of `x-amz-date`: ISO 8601's basic form.
    public init?(basic text: some StringProtocol) {
        var digits = DigitReader(text.utf8)
        guard text.utf8.count == 16, let year = digits.number(4), let month = digits.number(2), let day = digits.number(2),
            digits.skip("T"), let hour = digits.number(2), let minute = digits.number(2), let second = digits.number(2),
            digits.skip("Z")
        else { return nil }
        self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }

    /// Reads `2013-05-24T00:00:00.000Z`, the expiration of a POST policy: ISO 8601's extended form in UTC. A fraction of a
    /// second is read and dropped.
    public init?(extended text: some StringProtocol) {
        var digits = DigitReader(text.utf8)
        guard let year = digits.number(4), digits.skip("-"), let month = digits.number(2), digits.skip("-"),
            let day = digits.number(2), digits.skip("T"), let hour = digits.number(2), digits.skip(":"),
            let minute = digits.number(2), digits.skip(":"), let second = digits.number(2),
            !digits.skip(".") || digits.skipDigits(), digits.skip("Z"), digits.isAtEnd
        else { return nil }
        self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }

    /// Reads `Fri, 24 May 2013 00:00:00 GMT`, the value of `date`: the IMF-fixdate of RFC 9110 §5.6.7. The name of the day of
    /// the week isn't compared with the date.
    public init?(httpDate text: some StringProtocol) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        // Mail has other words for the same zone, and some clients write those. RFC 5322 §3.3.
        guard parts.count == 6, parts[0].utf8.count == 4, parts[0].hasSuffix(","), ["GMT", "-0000", "+0000"].contains(parts[5]),
            let month = Self.months.firstIndex(of: String(parts[2]))
        else { return nil }
        var day = DigitReader(parts[1].utf8)
        var year = DigitReader(parts[3].utf8)
        var time = DigitReader(parts[4].utf8)
        guard let dayNumber = day.number(2), day.isAtEnd, let yearNumber = year.number(4), year.isAtEnd,
            let hour = time.number(2), time.skip(":"), let minute = time.number(2), time.skip(":"), let second = time.number(2),
            time.isAtEnd
        else { return nil }
        self.init(year: yearNumber, month: Int64(month) + 1, day: dayNumber, hour: hour, minute: minute, second: second)
    }

    private init?(year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64) {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let daysOfMonth: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        // 60 is a leap second: it counts as the first of the next minute.
        guard (1...12).contains(month), (1...daysOfMonth[Int(month) - 1]).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        self.init(secondsSince1970: ((days * 24 + hour) * 60 + minute) * 60 + second)
    }

    /// `20130524T000000Z`.
    public var basic: String {
        let second = secondsSince1970 - days * 86_400
        return day + "T" + [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined() + "Z"
    }

    /// `2013-05-24T00:00:00Z`.
    public var extended: String {
        let (year, month, day) = Self.date(days: days)
        let second = secondsSince1970 - days * 86_400
        let date = [Self.padded(year, 4), Self.padded(month, 2), Self.padded(day, 2)].joined(separator: "-")
        let time = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        return "\(date)T\(time)Z"
    }

    /// `20130524`.
    public var day: String {
        let (year, month, day) = Self.date(days: days)
        return Self.padded(year, 4) + Self.padded(month, 2) + Self.padded(day, 2)
    }

    public static func < (one: SigningTime, other: SigningTime) -> Bool { one.secondsSince1970 < other.secondsSince1970 }

    func advanced(by seconds: Int64) -> SigningTime { SigningTime(secondsSince1970: secondsSince1970 + seconds) }

    private var days: Int64 { secondsSince1970 >= 0 ? secondsSince1970 / 86_400 : (secondsSince1970 - 86_399) / 86_400 }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Days since 1970-01-01 in the Gregorian calendar. Years are counted from March on, so that a leap day is their last.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}

/// Reads numbers of a fixed count of digits.
private struct DigitReader<Bytes: Collection<UInt8>> where Bytes.SubSequence: Collection<UInt8> {
    private var rest: Bytes.SubSequence

    init(_ bytes: Bytes) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number(_ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(isDigit) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let byte = rest.first, UInt32(byte) == character.value else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// Skips one digit or more.
    mutating func skipDigits() -> Bool {
        guard let byte = rest.first, isDigit(byte) else { return false }
        rest = rest.drop(while: isDigit)
        return true
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
