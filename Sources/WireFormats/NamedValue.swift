// SPDX-License-Identifier: Apache-2.0

/// A header field, a trailer or a field of a form.
public struct NamedValue: Hashable, Sendable {
    /// In lower case.
    public let name: String
    public var value: String

    /// - Parameter name: In any case; names are compared without regard to it.
    public init(_ name: String, _ value: String) {
        self.name = name.asciiLowercased()
        self.value = value
    }
}
