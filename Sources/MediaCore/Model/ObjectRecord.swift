// SPDX-License-Identifier: Apache-2.0

/// An object as its row in `storage.objects` describes it.
public struct ObjectRecord: Hashable, Sendable {
    public var id: ObjectID
    public var address: ObjectAddress
    /// Nil on very old rows of databases that were adopted.
    public var version: ObjectVersion?
    /// The owner's subject when it is a UUID (the column that Supabase calls deprecated).
    public var owner: String?
    /// The owner's subject as it stands in the token.
    public var ownerID: String?
    /// As stored; `details` is its parsed form.
    public var metadata: JSONText?
    public var userMetadata: JSONText?
    public var createdAt: Timestamp?
    public var updatedAt: Timestamp?
    public var lastAccessedAt: Timestamp?

    public init(
        id: ObjectID, address: ObjectAddress, version: ObjectVersion?, owner: String? = nil, ownerID: String? = nil,
        metadata: JSONText? = nil, userMetadata: JSONText? = nil, createdAt: Timestamp? = nil, updatedAt: Timestamp? = nil,
        lastAccessedAt: Timestamp? = nil
    ) {
        self.id = id
        self.address = address
        self.version = version
        self.owner = owner
        self.ownerID = ownerID
        self.metadata = metadata
        self.userMetadata = userMetadata
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.lastAccessedAt = lastAccessedAt
    }
}

/// An object with everything a download needs: what a read by address returns.
public struct ReadableObject: Hashable, Sendable {
    public var bucket: Bucket
    public var record: ObjectRecord
    /// Where the bytes are. Nil for an adopted row whose bytes Magpie was never told of.
    public var blob: BlobLocation?
    /// Whether the version was written with versioning on, and so has an id of its own.
    public var isVersioned: Bool

    public init(bucket: Bucket, record: ObjectRecord, blob: BlobLocation?, isVersioned: Bool = false) {
        self.bucket = bucket
        self.record = record
        self.blob = blob
        self.isVersioned = isVersioned
    }

    /// What the version is called in a bucket that keeps versions, or once did.
    public var versionID: VersionID {
        guard isVersioned, let version = record.version else { return .null }
        return .id(version)
    }
}

/// A row to be written once its bytes are durable.
public struct NewObject: Sendable {
    public var address: ObjectAddress
    public var version: ObjectVersion
    /// The subject of the caller. Nil when the service uploads.
    public var ownerID: String?
    public var metadata: JSONText
    public var userMetadata: JSONText?
    public var blob: BlobLocation
    /// What must hold of the address, decided in the transaction that writes the row.
    public var condition: WriteCondition
    /// The upload that this row ends, in the same transaction.
    public var completing: UploadCompletion?
    /// Where the bytes come from, which is all that events tell of it.
    public var origin: Origin
    /// Of the parts that the blob was made of.
    public var partChecksums: PartChecksums?
    /// Whether the bytes were where they are before anybody reserved the key: in a store of a project's own, whose owner put them there.
    /// They become the object's with its row. Without it they stay the owner's, whatever goes wrong.
    public var isAdopted: Bool
    /// What an object that comes from elsewhere was there, for a new row. Nil: nothing.
    public var past: ObjectPast?
    /// The trial that allowed the write. Nil for one that needs none: the service's, and a grant's, which carries its right.
    public var trial: PutTrial?

    public enum Origin: String, Sendable { case upload, copy }

    public init(
        address: ObjectAddress, version: ObjectVersion, ownerID: String?, metadata: JSONText, userMetadata: JSONText?,
        blob: BlobLocation, condition: WriteCondition = .none, completing: UploadCompletion? = nil,
        origin: Origin = .upload, partChecksums: PartChecksums? = nil, isAdopted: Bool = false, past: ObjectPast? = nil,
        trial: PutTrial? = nil
    ) {
        self.address = address
        self.version = version
        self.ownerID = ownerID
        self.metadata = metadata
        self.userMetadata = userMetadata
        self.blob = blob
        self.condition = condition
        self.completing = completing
        self.origin = origin
        self.partChecksums = partChecksums
        self.isAdopted = isAdopted
        self.past = past
        self.trial = trial
    }
}

/// What a new row takes over of one in another database.
public struct ObjectPast: Hashable, Sendable {
    /// Nil, and where another object has it: a new one.
    public var id: ObjectID?
    /// Nil: now.
    public var createdAt: Timestamp?
    /// Nil: when it was created.
    public var updatedAt: Timestamp?
    /// Nil: when it was created.
    public var lastAccessedAt: Timestamp?

    public init(
        id: ObjectID? = nil, createdAt: Timestamp? = nil, updatedAt: Timestamp? = nil, lastAccessedAt: Timestamp? = nil
    ) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.lastAccessedAt = lastAccessedAt
    }
}

/// A row as row-level security sees it before any byte has arrived.
public struct ObjectDraft: Hashable, Sendable {
    public var address: ObjectAddress
    public var ownerID: String?
    /// `{"mimetype": …, "contentLength": …}` for uploads: what policies may look at.
    public var metadata: JSONText?
    public var userMetadata: JSONText?
    /// Checked as system once policies allow the write.
    public var condition: WriteCondition

    public init(
        address: ObjectAddress, ownerID: String?, metadata: JSONText?, userMetadata: JSONText?, condition: WriteCondition = .none
    ) {
        self.address = address
        self.ownerID = ownerID
        self.metadata = metadata
        self.userMetadata = userMetadata
        self.condition = condition
    }
}

/// A write that was tried as its caller before the bytes came.
///
/// Policies may allow a new row and not the replacement of somebody else's. While the bytes come another row can take the key;
/// the commit then tries the same write again.
public struct PutTrial: Sendable {
    public var draft: ObjectDraft
    public var caller: Caller
    /// The state of the row that the trial found, in the store's own words. Nil when there was none.
    public var seen: String?

    public init(draft: ObjectDraft, caller: Caller, seen: String?) {
        self.draft = draft
        self.caller = caller
        self.seen = seen
    }
}

/// Whether a write may find the key taken.
public enum PutMode: Hashable, Sendable {
    /// The key must be free; the loser of a race gets `.objectExists`.
    case create
    /// What is there is superseded.
    case replace
}
