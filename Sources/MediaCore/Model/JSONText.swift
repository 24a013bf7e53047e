// SPDX-License-Identifier: Apache-2.0

/// A complete JSON document kept as text, so that a value the database wrote goes out again without being parsed.
public struct JSONText: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// Text that is known to be JSON: read from a `jsonb` column, or written by an encoder.
    public init(trusted rawValue: String) { self.rawValue = rawValue }

    public static let emptyObject = JSONText(trusted: "{}")

    public var description: String { rawValue }
}
