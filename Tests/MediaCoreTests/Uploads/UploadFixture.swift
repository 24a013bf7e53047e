// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import NIOCore
import Testing

/// Uploads over in-memory stores that can be told to fail, with one bucket.
struct UploadFixture {
    let metadata: InMemoryMetadataStore
    let memory: InMemoryBlobStore
    let blobs: FaultyBlobStore
    let storage: Storage
    let upkeep: Upkeep
    let uploadConfiguration: Uploads.Configuration
    let clock = ManualClock(Timestamp(seconds: 1_800_000_000))
    let address = ObjectAddress(bucket: BucketID(stored: "b"), key: ObjectKey(stored: "folder/file.bin"))

    static let service = Access.policy(CoreFixture.service)

    init(
        policies: [Policy] = [], preferredPartBytes: Int64? = nil, checkpointBytes: Int64 = 64 << 20, maxBytes: Int64 = 1 << 24,
        patience: Duration = .seconds(60), beforeEachCall: (@Sendable (FaultyBlobStore.Call) async throws -> Void)? = nil
    ) async throws {
        let clock = self.clock
        uploadConfiguration = Uploads.Configuration(lifetime: 3600, patience: patience, checkpointBytes: checkpointBytes)
        metadata = InMemoryMetadataStore(policies: policies, now: { clock.now() })
        memory = InMemoryBlobStore(preferredPartBytes: preferredPartBytes, now: { clock.now() })
        blobs = FaultyBlobStore(memory, beforeEachCall: beforeEachCall)
        let directory = OneStore(store: blobs)
        storage = Storage(
            configuration: Storage.Configuration(
                uploadLimits: UploadLimits(maxObjectBytes: maxBytes),
                uploads: uploadConfiguration),
            keys: try await KeyRing(secret: CoreFixture.secret), metadata: metadata, blobs: directory, logger: Self.logger,
            now: { clock.now() })
        storage.cache.apply(.tracking)
        upkeep = Upkeep(metadata: metadata, blobs: directory, signal: storage.reaper, logger: Self.logger)
        _ = try await storage.buckets.create(Bucket(id: address.bucket, name: "b"), as: CoreFixture.service)
    }

    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    var uploads: Uploads { storage.uploads }

    /// On the same database and the same blobs; it knows nothing of the requests that this one has.
    func uploadsOfAnotherServer() async throws -> Uploads {
        let clock = self.clock
        return Storage(
            configuration: Storage.Configuration(
                uploadLimits: UploadLimits(maxObjectBytes: 1 << 24), uploads: uploadConfiguration),
            keys: try await KeyRing(secret: CoreFixture.secret), metadata: metadata, blobs: OneStore(store: blobs),
            logger: Self.logger, now: { clock.now() }
        ).uploads
    }

    func begin(
        _ length: Int64?, kind: UploadSession.Kind = .appended, mode: PutMode = .create, access: Access = service,
        expires: Bool = true
    ) async throws -> UploadID {
        try await uploads.begin(
            UploadBeginning(kind: kind, options: CoreFixture.options(mode), length: length, expires: expires), at: address,
            access: access
        ).id
    }

    @discardableResult
    func append(
        _ bytes: ByteBuffer, to id: UploadID, at offset: Int64, access: Access = service,
        verify: (@Sendable () throws -> Void)? = nil
    ) async throws -> UploadState {
        try await uploads.append(
            UploadAppend(body: SampleData.stream(bytes, chunkBytes: 1000), offset: offset, verify: verify), to: id,
            access: access)
    }

    /// The object's bytes, and its row.
    func read() async throws -> (bytes: ByteBuffer, object: ReadableObject) {
        let object = try await metadata.object(at: address, access: Self.service)
        let blob = try #require(object.blob)
        let bytes = try await memory.get(blob.key, range: nil).stream().collected()
        return (bytes, object)
    }

    func offset(_ id: UploadID) async throws -> Int64 { try await uploads.settledSession(id).offset }
}
