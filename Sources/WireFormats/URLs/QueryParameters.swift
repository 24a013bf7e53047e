// SPDX-License-Identifier: Apache-2.0

/// Why a query could not be read.
public enum QueryError: Error, Hashable, Sendable {
    /// A `%` without two hexadecimal digits, or bytes that are no UTF-8.
    case malformedEncoding
    /// More parameters than any request of ours has.
    case tooManyParameters
}

/// The parameters of a query, `name=value&…`, in the order they were sent.
///
/// `+` is a space, a parameter without `=` has an empty value, and empty pairs (`&&`) are ignored, as in
/// `application/x-www-form-urlencoded`.
public struct QueryParameters: Hashable, Sendable {
    /// One `name=value`.
    public struct Parameter: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The most parameters a query may have.
    public static let maxCount = 256

    public private(set) var all: [Parameter]

    /// - Parameter raw: the text after `?`. Nil or empty: no parameters.
    public init(parsing raw: (some StringProtocol)?) throws(QueryError) {
        all = []
        guard let raw else { return }
        for pair in raw.utf8.split(separator: UInt8(ascii: "&")) {
            guard all.count < Self.maxCount else { throw .tooManyParameters }
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard let name = PercentEncoding.decode(pair[..<equals], plusIsSpace: true),
                let value = PercentEncoding.decode(pair[equals...].dropFirst(), plusIsSpace: true)
            else { throw .malformedEncoding }
            all.append(Parameter(name: name, value: value))
        }
    }

    /// The value of a parameter. The first one wins.
    public subscript(name: String) -> String? { all.first { $0.name == name }?.value }

    /// Whether the parameter was sent, with or without a value.
    public func contains(_ name: String) -> Bool { all.contains { $0.name == name } }
}
