// SPDX-License-Identifier: Apache-2.0

import struct Foundation.UUID

/// Names the immutable bytes behind an object. A fresh one is made for every write; nothing is ever overwritten.
public struct ObjectVersion: Hashable, Sendable, CustomStringConvertible {
    /// A lower-case UUID for versions made here. Databases that came from elsewhere may hold other text.
    public let rawValue: String

    /// A fresh version: random but for its second byte, which is the day.
    ///
    /// Stores and indexes keep versions by their first digits. Spread over all of those, nearly every write into a store of less than
    /// millions of objects would make a directory of its own; so a day's writes share 256 places, and the days take turns at all 65,536.
    /// 114 random bits are left, which nobody guesses.
    public init() { self.init(at: .now()) }

    init(at time: Timestamp) {
        var bytes = UUID().uuid
        bytes.1 = UInt8(truncatingIfNeeded: time.seconds / 86_400)
        self.rawValue = UUID(uuid: bytes).uuidString.lowercased()
    }

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
