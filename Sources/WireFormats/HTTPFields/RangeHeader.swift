// SPDX-License-Identifier: Apache-2.0

/// The `Range` field of a request. RFC 9110 §14.2.
public enum RangeHeader: Hashable, Sendable {
    /// One range of bytes as it was asked for, before the size of the content is known. RFC 9110 §14.1.2.
    public struct Bytes: Hashable, Sendable {
        /// The first byte. Nil for a suffix: then `last` counts bytes from the end.
        public var first: Int64?
        /// The last byte, included; nil: up to the end. For a suffix: how many bytes, counted from the end.
        public var last: Int64?

        public init(first: Int64?, last: Int64?) {
            self.first = first
            self.last = last
        }
    }

    /// The field was not sent.
    case absent
    /// Another unit than bytes: RFC 9110 §14.2 tells servers to ignore the field.
    case otherUnit
    /// It says bytes, but not which.
    case malformed
    /// More than one range.
    case multiple
    case single(Bytes)

    /// Reads the value of the field; nil when it was not sent. Positions beyond what 64 bits hold become the largest one.
    public init(parsing value: String?) {
        guard let value else {
            self = .absent
            return
        }
        let bytes = value.utf8
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
            self = .malformed
            return
        }
        // RFC 9110 §14.1: names of range units are case-insensitive.
        guard value[..<equals].lowercased() == "bytes" else {
            self = bytes[..<equals].isEmpty || !bytes[..<equals].allSatisfy(ByteSet.token.contains) ? .malformed : .otherUnit
            return
        }
        var found: Bytes?
        var count = 0
        // RFC 9110 §5.6.1: a recipient ignores empty list elements.
        for element in bytes[bytes.index(after: equals)...].split(separator: UInt8(ascii: ",")) {
            let trimmed = element.trimmingOWS()
            guard !trimmed.isEmpty else { continue }
            guard let range = Self.range(trimmed) else {
                self = .malformed
                return
            }
            found = range
            count += 1
        }
        self = found.map { count == 1 ? .single($0) : .multiple } ?? .malformed
    }

    private static func range(_ text: Substring.UTF8View) -> Bytes? {
        guard let dash = text.firstIndex(of: UInt8(ascii: "-")) else { return nil }
        let (before, after) = (text[..<dash], text[text.index(after: dash)...])
        switch (before.isEmpty, after.isEmpty) {
        case (true, true): return nil
        case (true, false): return position(after).map { Bytes(first: nil, last: $0) }
        case (false, true): return position(before).map { Bytes(first: $0, last: nil) }
        case (false, false):
            guard let first = position(before), let last = position(after), first <= last else { return nil }
            return Bytes(first: first, last: last)
        }
    }

    private static func position(_ digits: Substring.UTF8View) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
            value = overflowed || carried || value == .max ? .max : sum
        }
        return value
    }
}

extension Substring.UTF8View {
    /// Without optional white space at either end. RFC 9110 §5.6.3.
    func trimmingOWS() -> Substring.UTF8View {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var rest = self
        while let byte = rest.first, isSpace(byte) { rest = rest.dropFirst() }
        while let byte = rest.last, isSpace(byte) { rest = rest.dropLast() }
        return rest
    }
}
