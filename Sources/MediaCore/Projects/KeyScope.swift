// SPDX-License-Identifier: Apache-2.0

/// A thing that a key is for: operations on a kind of things, as `files:read`. Either side may be `*`.
///
/// Narrows what the key's policies allow, and never widens it.
public struct KeyScope: Hashable, Sendable, CustomStringConvertible {
    /// What is done with files.
    public enum FileOperation: String, Hashable, Sendable, CaseIterable { case create, read, update, delete, list }

    public let rawValue: String

    private static let files = "files"
    private static let any = "*"

    /// Nil for what is no scope, or one of a kind of things or of an operation that there is not here.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == Self.files || parts[0] == Self.any,
            parts[1] == Self.any || FileOperation(rawValue: String(parts[1])) != nil
        else { return nil }
        self.rawValue = text
    }

    /// A scope read from the database. One that this version does not know allows nothing.
    public init(stored rawValue: String) { self.rawValue = rawValue }

    /// Whether it is for an operation on files.
    public func allows(_ operation: FileOperation) -> Bool {
        guard KeyScope(rawValue) != nil else { return false }
        return rawValue.hasSuffix(":" + Self.any) || rawValue.hasSuffix(":" + operation.rawValue)
    }

    public var description: String { rawValue }
}
