// SPDX-License-Identifier: Apache-2.0

/// The value of a `Range` field. RFC 9110 §14.2.
public enum RangeHeader: Hashable, Sendable {
    /// `bytes=first-last`, last included.
    case bounded(first: Int64, last: Int64)
    /// `bytes=first-`.
    case from(Int64)
    /// `bytes=-count`.
    case suffix(Int64)
    /// More than one range.
    case multiple
    /// A unit that is not bytes: to be ignored.
    case otherUnit
    case malformed

    public init(parsing field: String) {
        guard let equals = field.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            self = .malformed
            return
        }
        guard Self.trim(field[..<equals]).lowercased() == "bytes" else {
            self = .otherUnit
            return
        }
        let set = field[field.index(after: equals)...]
        guard !set.utf8.contains(UInt8(ascii: ",")) else {
            self = .multiple
            return
        }
        self = Self.one(Self.trim(set)) ?? .malformed
    }

    private static func one(_ text: Substring) -> RangeHeader? {
        guard let dash = text.utf8.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let first = text[..<dash]
        let last = text[text.index(after: dash)...]
        switch (first.isEmpty, last.isEmpty) {
        case (true, true): return nil
        case (true, false): return number(last).map { .suffix($0) }
        case (false, true): return number(first).map { .from($0) }
        case (false, false):
            guard let first = number(first), let last = number(last), first <= last else { return nil }
            return .bounded(first: first, last: last)
        }
    }

    /// Digits only. A number too large to be a position in any file counts as the largest there is.
    private static func number(_ text: Substring) -> Int64? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int64(text) ?? Int64.max
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        return text
    }
}
