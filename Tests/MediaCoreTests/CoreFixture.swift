// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import NIOCore
import Synchronization

/// The core over in-memory stores, with one bucket in it.
struct CoreFixture {
    static let secret = "a-secret-for-tests-of-32-characters"

    let metadata = InMemoryMetadataStore()
    let memory = InMemoryBlobStore()
    let keys: KeyRing
    let storage: Storage
    let upkeep: Upkeep
    let bucket: BucketID

    init(
        public isPublic: Bool = false, limits: UploadLimits = UploadLimits(maxObjectBytes: 1 << 20),
        bucket configure: (inout Bucket) -> Void = { _ in }, wrapping: (any BlobStore) -> any BlobStore = { $0 },
        processor: (any ImageProcessor)? = nil, converter: (any MediaConverter)? = nil, variants: (any VariantStore)? = nil,
        rendering: Variants.Configuration = Variants.Configuration()
    ) async throws {
        keys = try await KeyRing(secret: Self.secret)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let directory = OneStore(store: wrapping(memory))
        storage = Storage(
            configuration: Storage.Configuration(uploadLimits: limits, variants: rendering), keys: keys, metadata: metadata,
            blobs: directory,
            processor: processor, converter: converter, variants: variants, logger: logger)
        storage.cache.apply(.tracking)
        upkeep = Upkeep(metadata: metadata, blobs: directory, variants: variants, signal: storage.reaper, logger: logger)
        bucket = BucketID(stored: "b")
        var row = Bucket(id: bucket, name: "b", isPublic: isPublic)
        configure(&row)
        _ = try await storage.buckets.create(row, as: Self.service)
    }

    static let service = caller(role: "service_role", subject: nil)

    static func caller(role: String = "authenticated", subject: String? = "11111111-1111-4111-8111-111111111111") -> Caller {
        let claims = JSONWriter.object { writer in
            writer.field("role", role)
            if let subject { writer.field("sub", subject) }
        }
        return Caller(
            principal: Principal(role: role, subject: subject, claims: JSONText(trusted: claims), token: ""), facts: facts)
    }

    static let facts = RequestFacts(operation: Operation("storage.object.upload"))

    func address(_ key: String, in bucket: BucketID? = nil) -> ObjectAddress {
        ObjectAddress(bucket: bucket ?? self.bucket, key: ObjectKey(stored: key))
    }

    static func options(_ mode: PutMode = .create, type: String = "text/plain", metadata: String? = nil) -> UploadOptions {
        UploadOptions(
            mode: mode, contentType: type, cacheControl: "max-age=60", userMetadata: metadata.map { JSONText(trusted: $0) })
    }

    @discardableResult
    func put(
        _ text: String, at key: String, options: UploadOptions = options(), as caller: Caller = service
    ) async throws -> ObjectRecord {
        try await storage.objects.put(
            Upload(body: ByteStream(ByteBuffer(string: text)), options: options), at: address(key), access: .policy(caller))
    }

    func read(_ key: String, access: Access = .policy(service)) async throws -> String {
        try await Self.text(storage.delivery.open(address(key), access: access))
    }

    static func text(_ delivered: Delivered) async throws -> String {
        switch delivered.outcome {
        case .full(let content), .partial(let content, _):
            var bytes = ByteBuffer()
            for try await chunk in content.stream().chunks {
                var chunk = chunk
                bytes.writeBuffer(&chunk)
            }
            return String(buffer: bytes)
        case .notModified: return "(not modified)"
        }
    }

    /// How many blobs the store holds.
    func blobCount() async throws -> Int { try await memory.list(prefix: "", after: nil, limit: 10_000).blobs.count }
}

/// One store for every backend.
struct OneStore: BlobStoreDirectory {
    let store: any BlobStore
    let defaultBackend = BackendID.managed
    func store(for backend: BackendID) async throws -> any BlobStore { store }
}

/// The code of the error that `body` throws, or nil.
func errorCode(_ body: () async throws -> Void) async -> StorageError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? StorageError)?.code
    }
}

/// Returns once `condition` holds. It looks now and then: looking all the time would take the processors from what it waits for.
func settled(_ condition: () -> Bool) async {
    while !condition() {
        do { try await Task.sleep(for: .milliseconds(1)) } catch { return }
    }
}
