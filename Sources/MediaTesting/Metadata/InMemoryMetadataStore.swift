// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore
import Synchronization

/// A complete metadata store in memory, with row-level security as a list of policies. It dies with the process.
///
/// Every requirement runs under one lock and is therefore one transaction. The tables of Supabase's own multipart uploads are not in it,
/// so `deleteBucket` never meets a pending one.
public final class InMemoryMetadataStore: MetadataStore {
    /// The role that row-level security does not bind.
    public static let serviceRole = "service_role"

    /// A row of `magpie.blobs`.
    struct StoredBlob {
        var location: BlobLocation
        var createdAt: Timestamp
        /// Whether the version has an id of its own.
        var isVersioned = false
        var partChecksums: PartChecksums?
    }

    /// A row of `magpie.object_versions`.
    struct KeptVersion {
        var record: ObjectRecord
        var isNull: Bool
        var isDeleteMarker = false
        var supersededAt: Timestamp?
        /// Its place among all that are kept. 0 for one that is not.
        var sequence: Int64 = 0

        var id: VersionID {
            guard !isNull, let version = record.version else { return .null }
            return .id(version)
        }
    }

    /// A row of `magpie.upload_sessions` with those of `magpie.upload_parts`.
    struct StoredUpload {
        var session: UploadSession
        var parts: [PartNumber: UploadPart] = [:]
    }

    /// A key in a backend.
    struct BlobPlace: Hashable {
        var backend: BackendID
        var key: BlobKey

        init(backend: BackendID, key: BlobKey) {
            self.backend = backend
            self.key = key
        }

        init(_ location: BlobLocation) { self.init(backend: location.backend, key: location.key) }
    }

    /// A row of `magpie.blob_deletions`.
    struct QueuedDeletion {
        var version: ObjectVersion
        var request: BlobDeletion
        var notBefore: Timestamp
        var lastFailure: String?

        var place: BlobPlace { BlobPlace(backend: request.backend, key: request.key) }
    }

    /// A row of `magpie.events`.
    struct QueuedEvent {
        var event: StorageEvent
        var notBefore: Timestamp
        var diedAt: Timestamp?
        var lastFailure: String?
    }

    /// A row of `magpie.blob_intents`.
    struct ReservedKey {
        /// Nil for a key that is used up.
        var version: ObjectVersion?
        var createdAt: Timestamp
    }

    struct State {
        var policies: [Policy]
        let recordsEvents: Bool
        var buckets: [BucketID: Bucket] = [:]
        var objects: [ObjectAddress: ObjectRecord] = [:]
        var blobs: [ObjectVersion: StoredBlob] = [:]
        /// The oldest first.
        var kept: [ObjectAddress: [KeptVersion]] = [:]
        var lastSequence: Int64 = 0
        var settings: [BucketID: BucketSettings] = [:]
        var images: [BucketID: StoredImageSettings] = [:]
        var accessKeys: [AccessKeyID: StoredAccessKey] = [:]
        var projects: [BucketID: Project] = [:]
        var projectKeys: [ProjectKeyID: ProjectKey] = [:]
        var accounts: [AccountID: StoredAccount] = [:]
        var sessions: [SessionID: StoredSession] = [:]
        var memberships: [BucketID: [AccountID: StoredMembership]] = [:]
        /// By project and day.
        var usage: [BucketID: [UsageDay: DailyUsage]] = [:]
        var uploads: [UploadID: StoredUpload] = [:]
        var deletions: [Int64: QueuedDeletion] = [:]
        var lastDeletionID: Int64 = 0
        var backends: [BackendID: Backend] = [:]
        /// By bucket: where new blobs go.
        var currentBackends: [BucketID: BackendID] = [:]
        var reserved: [BlobPlace: ReservedKey] = [:]
        /// By their objects.
        var assets: [ObjectID: Asset] = [:]
        /// Those that were made.
        var assetFolders: [BucketID: Set<FolderPath>] = [:]
        var fileRows = FileRows()
        var events: [EventID: QueuedEvent] = [:]
        var lastEventID: Int64 = 0
        var jobs: [JobID: StoredJob] = [:]
        /// The request that the transaction under way is made for.
        var facts = RequestFacts(operation: .upkeep)
        var watchers: [Int: AsyncStream<MetadataChange>.Continuation] = [:]
        var lastWatcherID = 0
    }

    let state: Mutex<State>
    let roles: Set<String>
    let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - policies: who may do what. None: only the service role may do anything.
    ///   - roles: the roles that a caller may assume, besides the service role.
    ///   - recordsEvents: whether changes of objects are written to the outbox of events.
    ///   - now: the database's clock.
    public init(
        policies: [Policy] = [], roles: Set<String> = ["anon", "authenticated"], recordsEvents: Bool = false,
        now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        self.state = Mutex(State(policies: policies, recordsEvents: recordsEvents))
        self.roles = roles.union([Self.serviceRole, ProjectScope.role])
        self.now = now
    }

    public func ping() async throws {}

    /// Runs `body` as one transaction in which `caller`'s policies hold. What `body` changed stays changed even when it
    /// throws, so it throws first and writes afterwards.
    func transaction<Value>(
        as caller: Caller, _ body: (inout State, RowSecurity) throws -> sending Value
    ) throws -> sending Value {
        try state.withLock { state in
            state.facts = caller.facts
            return try body(&state, RowSecurity(policies: state.policies, roles: roles, files: state.fileRows, caller: caller))
        }
    }

    /// The deprecated `owner` column: the subject, where it is a UUID.
    static func uuidOwner(_ subject: String?) -> String? {
        subject.flatMap { UUID(uuidString: $0)?.uuidString.lowercased() }
    }
}

extension InMemoryMetadataStore.State {
    /// Requests the deletion of the blob behind a version that no object names any more.
    ///
    /// A version without a blob row (an adopted one) has nothing that Magpie may remove.
    mutating func queueDeletion(of version: ObjectVersion?, due: Timestamp) {
        guard let version, let blob = blobs[version] else { return }
        queueDeletion(at: InMemoryMetadataStore.BlobPlace(blob.location), of: version, due: due)
    }

    /// Requests the deletion of what is at a place, once.
    mutating func queueDeletion(at place: InMemoryMetadataStore.BlobPlace, of version: ObjectVersion, due: Timestamp) {
        guard !deletions.values.contains(where: { $0.place == place }) else { return }
        lastDeletionID += 1
        let request = BlobDeletion(
            id: lastDeletionID, backend: place.backend, key: place.key, version: version, attempts: 0)
        deletions[lastDeletionID] = InMemoryMetadataStore.QueuedDeletion(version: version, request: request, notBefore: due)
    }

    func readable(_ record: ObjectRecord, in bucket: Bucket) -> ReadableObject {
        ReadableObject(
            bucket: bucket, record: record, blob: record.version.flatMap { blobs[$0]?.location },
            isVersioned: isVersioned(record.version))
    }

    /// Tells everyone who watches. Only queues: no watcher's code runs under the lock.
    func report(_ change: MetadataChange) {
        for watcher in watchers.values { watcher.yield(change) }
    }
}
