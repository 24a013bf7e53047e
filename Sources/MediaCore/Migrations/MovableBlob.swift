// SPDX-License-Identifier: Apache-2.0

/// A blob of a project that is in another store than it could be.
public struct MovableBlob: Hashable, Sendable {
    /// Of the object that it is a version of.
    public var address: ObjectAddress
    public var version: ObjectVersion
    public var location: BlobLocation

    public init(address: ObjectAddress, version: ObjectVersion, location: BlobLocation) {
        self.address = address
        self.version = version
        self.location = location
    }

    /// A place in the list of them: all current versions by their keys, then those that are kept by keys and versions.
    public struct Cursor: Hashable, Sendable, Codable {
        public var isKept: Bool
        public var key: String
        /// Empty among current versions, of which each key has one.
        public var version: String

        public init(isKept: Bool, key: String, version: String = "") {
            self.isKept = isKept
            self.key = key
            self.version = version
        }

        /// Before all of them.
        public static let start = Cursor(isKept: false, key: "")
    }
}

/// Some of the blobs of a project that are elsewhere.
public struct MovableBlobPage: Hashable, Sendable {
    public var blobs: [MovableBlob]
    /// Behind the last of them. Nil: there are no more.
    public var next: MovableBlob.Cursor?

    public init(blobs: [MovableBlob], next: MovableBlob.Cursor?) {
        self.blobs = blobs
        self.next = next
    }
}
