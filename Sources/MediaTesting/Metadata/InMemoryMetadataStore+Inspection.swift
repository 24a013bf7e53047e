// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

/// What a test may see and do that no caller can.
extension InMemoryMetadataStore {
    /// Replaces every policy.
    public func setPolicies(_ policies: [Policy]) { state.withLock { $0.policies = policies } }

    /// Writes a row as it is, as plain SQL could, and reports the change. Its bucket is made when it is missing.
    /// - Parameter blob: where its bytes are; nil for a row that Magpie was never told the bytes of.
    public func adopt(_ record: ObjectRecord, blob: BlobLocation? = nil) {
        let time = now()
        state.withLock { state in
            let bucket = record.address.bucket
            if state.buckets[bucket] == nil { state.buckets[bucket] = Bucket(id: bucket, name: bucket.rawValue) }
            let old = state.objects[record.address]
            if let old, old.id != record.id { state.forgetAsset(of: old.id, at: time) }
            state.objects[record.address] = record
            state.followObject(record, was: old?.id == record.id ? old : nil, at: time)
            if let blob, let version = record.version { state.blobs[version] = StoredBlob(location: blob, createdAt: time) }
            state.report(.object(record.address))
        }
    }

    /// Every object, in the order of buckets and keys.
    public var allObjects: [ObjectRecord] {
        state.withLock { state in
            state.objects.values.sorted {
                $0.address.bucket == $1.address.bucket
                    ? $0.address.key < $1.address.key : $0.address.bucket < $1.address.bucket
            }
        }
    }

    /// Every blob row.
    public var allBlobs: [BlobLocation] {
        state.withLock { $0.blobs.values.map(\.location).sorted { $0.key.rawValue < $1.key.rawValue } }
    }

    /// Every upload, complete ones too.
    public var allUploads: [UploadSession] { state.withLock { $0.uploads.values.map(\.session) } }

    /// Every requested deletion, due or not, oldest first.
    public var requestedDeletions: [BlobDeletion] {
        state.withLock { $0.deletions.values.map(\.request).sorted { $0.id < $1.id } }
    }

    /// Why the deletion failed the last time it was postponed.
    public func lastFailure(ofDeletion id: Int64) -> String? { state.withLock { $0.deletions[id]?.lastFailure } }

    /// Makes watchers believe that changes may have been missed, and then that the connection is back.
    public func loseTrack() {
        state.withLock { state in
            state.report(.lostTrack)
            state.report(.tracking)
        }
    }
}
