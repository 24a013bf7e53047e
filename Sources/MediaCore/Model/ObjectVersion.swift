// SPDX-License-Identifier: Apache-2.0

import struct Foundation.UUID

/// Names the immutable bytes behind an object. A fresh one is made for every write; nothing is ever overwritten.
public struct ObjectVersion: Hashable, Sendable, CustomStringConvertible {
    /// A lower-case UUID for versions made here. Databases that came from elsewhere may hold other text.
    public let rawValue: String

    public init() { self.rawValue = UUID().uuidString.lowercased() }

    /// A version read from the database.
    public init(stored string: String) { self.rawValue = string }

    public var description: String { rawValue }
}

/// The id of an object's row: survives overwrites and moves.
public struct ObjectID: Hashable, Sendable, CustomStringConvertible {
    /// A lower-case UUID.
    public let rawValue: String

    public init() { self.rawValue = UUID().uuidString.lowercased() }
    public init(stored string: String) { self.rawValue = string }

    public var description: String { rawValue }
}
