// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

/// The query of a listing: `prefix` and `limit`, checked as FastAPI checks them.
struct ComputeListQuery: Hashable {
    static let limits: ClosedRange<Int64> = 1...1000
    static let usualLimit: Int64 = 100

    let prefix: String
    let limit: Int

    /// - Throws: `ComputeProblem` with all that is wrong.
    init(_ target: String) throws(ComputeProblem) {
        let text = target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.utf8.index(after: $0)...] }
        let fields: [QueryParameters.Parameter]
        do { fields = try QueryParameters(parsing: text).all } catch {
            throw ComputeProblem(.badRequest, "The query can't be read")
        }
        // Of a parameter that is sent twice FastAPI takes the last.
        prefix = fields.last { $0.name == "prefix" }?.value ?? ""
        guard !prefix.utf8.contains(0) else { throw .invalidPath }
        limit =
            try fields.last { $0.name == "limit" }.map { value throws(ComputeProblem) in
                Int(try Self.checkedLimit(value.value))
            } ?? Int(Self.usualLimit)
    }

    private static func checkedLimit(_ text: String) throws(ComputeProblem) -> Int64 {
        func invalid(_ type: String, _ message: String, _ context: InvalidPart.Context? = nil) -> ComputeProblem {
            ComputeProblem(invalid: [InvalidPart(type, at: ["query", "limit"], message, input: text, context: context)])
        }
        let number: Int64
        switch LaxInteger(text) {
        case .none:
            throw invalid("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
        case .oversized:
            throw invalid("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size")
        case .below: number = .min
        case .above: number = .max
        case .value(let value): number = value
        }
        let (least, most) = (limits.lowerBound, limits.upperBound)
        if number < least {
            throw invalid(
                "greater_than_equal", "Input should be greater than or equal to \(least)", .bound("ge", least))
        }
        if number > most {
            throw invalid("less_than_equal", "Input should be less than or equal to \(most)", .bound("le", most))
        }
        return number
    }
}

/// A whole number as pydantic 2 reads it from text: white space around it, a sign, single underscores between digits, and a
/// fraction of zeros are all taken.
enum LaxInteger: Hashable {
    case value(Int64)
    /// A number that 64 bits do not hold.
    case below, above
    /// More digits than are read.
    case oversized

    private static let mostBytes = 4300

    /// Nil for text that is no whole number.
    init?(_ text: String) {
        var rest = Self.trimmed(text)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if let point = rest.firstIndex(of: UInt8(ascii: ".")) {
            let fraction = rest[(point + 1)...]
            guard !fraction.isEmpty, fraction.allSatisfy({ $0 == UInt8(ascii: "0") }) else { return nil }
            rest = rest[..<point]
        }
        guard let digits = Self.digits(rest) else { return nil }
        guard text.utf8.count <= Self.mostBytes else {
            self = .oversized
            return
        }
        let sign = isNegative ? "-" : ""
        self = Int64(sign + String(decoding: digits, as: UTF8.self)).map { .value($0) } ?? (isNegative ? .below : .above)
    }

    private static func digits(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        let groups = bytes.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard groups.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isDigit) }) else { return nil }
        return groups.flatMap(\.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func trimmed(_ text: String) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        return Array(text.utf8.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
