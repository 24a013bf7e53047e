// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaTesting
import NIOCore

@testable import MediaCore

/// The core with a project that keeps its originals in a store of its own.
struct OwnStorageFixture {
    /// The server's store, and one for all that projects bring along.
    struct Directory: BlobStoreDirectory {
        let defaultBackend = BackendID.managed
        let managed: any BlobStore
        let own: any BlobStore

        func store(for backend: BackendID) async throws -> any BlobStore { backend.isOwn ? own : managed }
    }

    /// Opens the one store for whatever is configured.
    struct Opener: BackendOpener {
        struct Opened: ClosableBlobStore {
            let store: any BlobStore

            func close() async throws {}
            func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo { try await store.put(body, at: key) }
            func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent { try await store.get(key, range: range) }
            func info(_ key: BlobKey) async throws -> BlobInfo { try await store.info(key) }
            func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
                try await store.copy(source, to: destination)
            }
            func delete(_ keys: [BlobKey]) async throws { try await store.delete(keys) }
            func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
                try await store.list(prefix: prefix, after: cursor, limit: limit)
            }
            func beginMultipart(at key: BlobKey) async throws -> MultipartID { try await store.beginMultipart(at: key) }
            func putPart(
                _ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey
            ) async throws -> BlobPart { try await store.putPart(body, as: number, of: id, at: key) }
            var preferredPartBytes: Int64? { nil }
            func appendPart(
                _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
            ) async throws -> BlobPart {
                try await store.appendPart(body, to: part, takingOver: takingOver, of: id, at: key)
            }
            func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
                try await store.completeMultipart(id, at: key, parts: parts)
            }
            func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {}
            func visitUnfinishedMultiparts(
                before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
            ) async throws {}
            func sweepUnfinished(before date: Timestamp) async throws -> Int { 0 }
        }

        let store: any BlobStore
        func open(_ configuration: BackendConfiguration) async throws -> any ClosableBlobStore { Opened(store: store) }
    }

    static let project = BucketID(stored: "shop")
    static let place = BackendPlace.S3(bucket: "originals", pathPrefix: "media/")
    static let configuration = BackendConfiguration.s3(place, .init(accessKeyID: "a", secretAccessKey: "s"))

    let clock = ManualClock(.now())
    let metadata: InMemoryMetadataStore
    let managed = InMemoryBlobStore()
    let own = InMemoryBlobStore()
    /// The way to the project's store.
    let faults: FaultyBlobStore
    let storage: Storage
    let upkeep: Upkeep
    let backends: Backends
    let service = CoreFixture.service

    init(plan: Plan.Name = .pro, processor: (any ImageProcessor)? = nil) async throws {
        let clock = clock
        metadata = InMemoryMetadataStore(now: { clock.now() })
        faults = FaultyBlobStore(own)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let directory = Directory(managed: managed, own: faults)
        storage = Storage(
            configuration: Storage.Configuration(
                uploadLimits: UploadLimits(maxObjectBytes: 1 << 20),
                accessKeys: AccessKeys.Configuration(
                    masterKey: [UInt8](repeating: 7, count: 32), server: nil, anonymousRole: "anon")),
            keys: try await KeyRing(secret: CoreFixture.secret), metadata: metadata, blobs: directory,
            backends: Opener(store: faults), processor: processor, logger: logger)
        storage.cache.apply(.tracking)
        upkeep = Upkeep(metadata: metadata, blobs: directory, signal: storage.reaper, logger: logger)
        guard let backends = storage.backends else { throw StorageError(.internal, "no backends") }
        self.backends = backends
        _ = try await metadata.createProject(
            Project(id: Self.project, plan: Plan(plan), createdAt: .now()), isPublic: true, keys: [])
    }

    /// Has the project's new originals go to its own store.
    @discardableResult
    func configure(_ configuration: BackendConfiguration = configuration) async throws -> BackendID {
        guard let backend = try await backends.configure(configuration, of: Self.project, as: service).backend else {
            throw StorageError(.internal, "the store can't be used")
        }
        return backend.id
    }

    func address(_ key: String) -> ObjectAddress { ObjectAddress(bucket: Self.project, key: ObjectKey(stored: key)) }

    @discardableResult
    func put(
        _ text: String, at key: String, mode: PutMode = .create, review: Upload.Review? = nil
    ) async throws -> ObjectRecord {
        try await storage.objects.put(
            Upload(
                body: ByteStream(ByteBuffer(string: text)),
                options: UploadOptions(mode: mode, contentType: "text/plain", cacheControl: "max-age=60"), review: review),
            at: address(key), access: .policy(service))
    }

    func read(_ key: String) async throws -> String {
        try await CoreFixture.text(storage.delivery.open(address(key), access: .policy(service)))
    }

    func location(of key: String) async throws -> BlobLocation? {
        try await metadata.object(at: address(key), access: .policy(service)).blob
    }

    /// Whether a job runs or is due.
    var isAtWork: Bool {
        get async throws {
            let unfinished = JobQuery(statuses: Set(JobStatus.allCases.filter { !$0.isFinal }))
            return try await metadata.jobs(matching: unfinished).jobs.contains {
                $0.status != .pending || $0.runAfter <= clock.now()
            }
        }
    }
}
