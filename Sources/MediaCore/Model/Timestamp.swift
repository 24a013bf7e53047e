// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A moment in UTC with the microseconds that Postgres keeps.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public let microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }
    public init(seconds: Int64) { self.microseconds = seconds &* 1_000_000 }

    /// This moment by the machine's wall clock.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Whole seconds since 1970, rounded down.
    public var seconds: Int64 { Self.floorDivide(microseconds, by: 1_000_000) }
    /// Whole milliseconds since 1970, rounded down.
    public var milliseconds: Int64 { Self.floorDivide(microseconds, by: 1000) }

    public func adding(seconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds + seconds * 1_000_000) }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

    private static func floorDivide(_ value: Int64, by divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
    }
}

extension Timestamp {
    /// `2026-11-21T06:12:34.567Z`: how every JSON answer writes a time.
    public var iso8601: String {
        let parts = calendar
        // Lists hold thousands of them: put together as bytes.
        var text: [UInt8] = []
        text.reserveCapacity(24)
        for (value, width, mark) in [
            (parts.year, 4, "-"), (parts.month, 2, "-"), (parts.day, 2, "T"), (parts.hour, 2, ":"), (parts.minute, 2, ":"),
            (parts.second, 2, "."), (Int(milliseconds - seconds * 1000), 3, "Z"),
        ] as [(Int, Int, Unicode.Scalar)] {
            Self.append(value, width, to: &text)
            text.append(UInt8(ascii: mark))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The last moment with a year of four digits.
    private static let endOfHTTPDates = Timestamp(seconds: 253_402_300_799)

    /// `Sat, 21 Nov 2026 06:12:34 GMT`: RFC 9110 §5.6.7, IMF-fixdate. Later than the year 9999 is the end of that year.
    public var httpDate: String {
        let parts = min(self, Self.endOfHTTPDates).calendar
        return "\(Self.weekdays[parts.weekday]), \(Self.two(parts.day)) \(Self.months[parts.month - 1]) "
            + String(decoding: Self.digits(parts.year, 4), as: UTF8.self)
            + " \(Self.two(parts.hour)):\(Self.two(parts.minute)):\(Self.two(parts.second)) GMT"
    }

    /// Reads IMF-fixdate, the one form that RFC 9110 §5.6.7 lets senders write. Nil for anything else.
    public init?(httpDate text: String) {
        let words = text.split(whereSeparator: { $0 == " " || $0 == ":" })
        guard words.count == 8, words[7] == "GMT", let day = Int(words[1]), let year = Int(words[3]), let hour = Int(words[4]),
            let minute = Int(words[5]), let second = Int(words[6]),
            let month = Self.months.firstIndex(of: String(words[2])),
            (1...31).contains(day), (1970...9999).contains(year), (0..<24).contains(hour), (0..<60).contains(minute),
            (0...60).contains(second)
        else { return nil }
        guard let days = Self.days(year, month + 1, day) else { return nil }
        self.init(seconds: days * 86_400 + Int64(hour * 3600 + minute * 60 + second))
    }

    /// Reads `2026-11-21T06:12:34.567Z`, with or without the fraction. Nil for anything else.
    public init?(iso8601 text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.count <= 27, bytes.last == UInt8(ascii: "Z"), bytes[4] == UInt8(ascii: "-"),
            bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":")
        else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month), (1...31).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var micros: Int64 = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), bytes.count > 21, let fraction = number(20..<bytes.count - 1) else {
                return nil
            }
            micros = Int64(fraction)
            for _ in 0..<(6 - (bytes.count - 21)) { micros *= 10 }
        }
        guard let days = Self.days(year, month, day) else { return nil }
        self.init(microseconds: (days * 86_400 + Int64(hour * 3600 + minute * 60 + second)) * 1_000_000 + micros)
    }

    /// Nil for a day that the month does not have.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64? {
        let days = days(year: year, month: month, day: day)
        return Timestamp(seconds: days * 86_400).calendar.day == day ? days : nil
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

    private static func digits(_ value: Int, _ width: Int) -> [UInt8] {
        var result: [UInt8] = []
        append(value, width, to: &result)
        return result
    }

    /// The last `width` digits, with zeros in front.
    private static func append(_ value: Int, _ width: Int, to text: inout [UInt8]) {
        let start = text.count
        var rest = max(0, value)
        for _ in 0..<width {
            text.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        text[start...].reverse()
    }

    private static func two(_ value: Int) -> String { String(decoding: digits(value, 2), as: UTF8.self) }

    /// Days from 1970-01-01 of a date in the proleptic Gregorian calendar.
    private static func days(year: Int, month: Int, day: Int) -> Int64 {
        let y = Int64(month <= 2 ? year - 1 : year)
        let era = y >= 0 ? y / 400 : (y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * Int64(month + (month > 2 ? -3 : 9)) + 2) / 5 + Int64(day) - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private var calendar: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, weekday: Int) {
        let seconds = self.seconds
        let days = Self.floorDivide(seconds, by: 86_400)
        let ofDay = Int(seconds - days * 86_400)
        let shifted = days + 719_468
        let era = Self.floorDivide(shifted, by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = Int(monthIndex < 10 ? monthIndex + 3 : monthIndex - 9)
        let year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        return (
            year, month, Int(dayOfYear - (153 * monthIndex + 2) / 5 + 1), ofDay / 3600, ofDay / 60 % 60, ofDay % 60,
            Int(((days % 7) + 11) % 7)
        )
    }
}
