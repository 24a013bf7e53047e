// SPDX-License-Identifier: Apache-2.0

/// What can be configured of a bucket beyond Supabase's columns, most of it by S3: a row of `magpie.bucket_settings`.
public struct BucketSettings: Hashable, Sendable {
    public var versioning: BucketVersioning
    public var tags: TagSet
    /// Nil: the server's own rule holds.
    public var cors: [CORSRule]?
    /// Nil: nothing expires.
    public var lifecycle: [LifecycleRule]?
    /// Clients are sent to the store itself for objects of at least so many bytes, where it can let them in. Nil: all bytes pass through
    /// this server.
    public var directFrom: Int64?

    public init(
        versioning: BucketVersioning = .off, tags: TagSet = .empty, cors: [CORSRule]? = nil, lifecycle: [LifecycleRule]? = nil,
        directFrom: Int64? = nil
    ) {
        self.versioning = versioning
        self.tags = tags
        self.cors = cors
        self.lifecycle = lifecycle
        self.directFrom = directFrom
    }

    /// Of a bucket that nobody configured.
    public static let none = BucketSettings()
}

/// What an update changes; nil leaves a setting as it is.
public struct BucketSettingsChanges: Hashable, Sendable {
    public var versioning: BucketVersioning?
    public var tags: TagSet?
    /// The inner nil removes the rules.
    public var cors: [CORSRule]??
    /// The inner nil removes the rules.
    public var lifecycle: [LifecycleRule]??
    /// The inner nil has all bytes pass through this server.
    public var directFrom: Int64??

    public init(
        versioning: BucketVersioning? = nil, tags: TagSet? = nil, cors: [CORSRule]?? = nil, lifecycle: [LifecycleRule]?? = nil,
        directFrom: Int64?? = nil
    ) {
        self.versioning = versioning
        self.tags = tags
        self.cors = cors
        self.lifecycle = lifecycle
        self.directFrom = directFrom
    }
}

extension BucketSettings {
    /// These settings with the changes made.
    /// - Throws: `StorageError` with `.invalidRequest` for versioning to be `.off` that was ever on: it can only be suspended.
    public func changed(by changes: BucketSettingsChanges) throws(StorageError) -> BucketSettings {
        if changes.versioning == .off, versioning != .off {
            throw StorageError(.invalidRequest, "Versioning can be suspended, not removed")
        }
        return BucketSettings(
            versioning: changes.versioning ?? versioning, tags: changes.tags ?? tags, cors: changes.cors ?? cors,
            lifecycle: changes.lifecycle ?? lifecycle, directFrom: changes.directFrom ?? directFrom)
    }
}
