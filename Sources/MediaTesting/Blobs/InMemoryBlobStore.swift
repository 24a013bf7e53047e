// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import NIOCore
import Synchronization

/// A complete blob store whose blobs live in memory and die with it.
///
/// Reads are stable: content opened before a delete stays readable, as on a disk.
public final class InMemoryBlobStore: BlobStore {
    /// How `get` hands out bytes, so that both ways of delivery can be tested without a disk.
    public enum ContentForm: Sendable {
        case buffer
        case stream(chunkBytes: Int)
    }

    struct Blob {
        var bytes: ByteBuffer
        var modifiedAt: Timestamp
    }

    struct Part {
        var bytes: ByteBuffer
        var tag: String
    }

    struct MultipartWrite {
        var key: BlobKey
        var parts: [PartNumber: Part] = [:]
        var touchedAt: Timestamp
    }

    struct Appending: Hashable {
        var id: MultipartID
        var number: PartNumber
    }

    struct State {
        var appending: Set<Appending> = []
        var blobs: [BlobKey: Blob] = [:]
        var writes: [MultipartID: MultipartWrite] = [:]
        var serial = 0
    }

    let state = Mutex(State())
    let form: ContentForm
    let now: @Sendable () -> Timestamp
    public let preferredPartBytes: Int64?

    public init(
        form: ContentForm = .buffer, preferredPartBytes: Int64? = nil, now: @escaping @Sendable () -> Timestamp = Timestamp.now
    ) {
        self.form = form
        self.preferredPartBytes = preferredPartBytes
        self.now = now
    }

    /// How many blobs there are.
    public var count: Int { state.withLock { $0.blobs.count } }

    /// How many multipart writes are under way.
    public var unfinishedCount: Int { state.withLock { $0.writes.count } }

    /// Every key, in byte order.
    public var keys: [BlobKey] { state.withLock { $0.blobs.keys.sorted(by: Self.precedes) } }

    public func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo {
        let bytes = try await Self.receive(body)
        return try publish(bytes, at: key)
    }

    public func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent {
        let bytes = try blob(key).bytes
        let size = Int64(bytes.readableBytes)
        let resolved = try range?.resolved(size: size) ?? 0..<size
        let slice = bytes.getSlice(at: bytes.readerIndex + Int(resolved.lowerBound), length: resolved.count) ?? ByteBuffer()
        let source: BlobContent.Source =
            switch form {
            case .buffer: .buffer(slice)
            case .stream(let chunkBytes): .stream(SampleData.stream(slice, chunkBytes: chunkBytes))
            }
        return BlobContent(source: source, size: size, range: resolved)
    }

    public func info(_ key: BlobKey) async throws -> BlobInfo { Self.info(try blob(key), key) }

    public func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
        try publish(blob(source).bytes, at: destination)
    }

    public func delete(_ keys: [BlobKey]) async throws {
        state.withLock { state in for key in keys { state.blobs[key] = nil } }
    }

    public func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
        state.withLock { state in
            let matching = state.blobs
                .filter { key, _ in
                    key.rawValue.utf8.starts(with: prefix.utf8) && cursor.map { Self.precedes(BlobKey($0), key) } ?? true
                }
                .sorted { Self.precedes($0.key, $1.key) }
            let page = matching.prefix(max(0, limit)).map { Self.info($0.value, $0.key) }
            return BlobPage(blobs: page, cursor: matching.count > page.count ? page.last?.key.rawValue ?? cursor : nil)
        }
    }

    /// Bytes that follow a failed or cancelled stream are never kept: the blob appears only here, whole.
    func publish(_ bytes: ByteBuffer, at key: BlobKey) throws -> BlobInfo {
        let blob = Blob(bytes: bytes, modifiedAt: now())
        return try state.withLock { state in
            guard state.blobs[key] == nil else {
                throw StorageError(
                    .internal, "A blob with this key exists already", resource: key.rawValue, cause: BlobKeyTaken())
            }
            state.blobs[key] = blob
            return Self.info(blob, key)
        }
    }

    static func receive(_ body: ByteStream) async throws -> ByteBuffer {
        var bytes = ByteBuffer()
        for try await chunk in body.chunks {
            bytes.writeImmutableBuffer(chunk)
            if let length = body.length, Int64(bytes.readableBytes) > length { break }
        }
        // A stream may simply end when its task is cancelled: that is no complete body.
        try Task.checkCancellation()
        if let length = body.length, length != Int64(bytes.readableBytes) {
            throw StorageError(.lengthMismatch, "The body does not have the announced length of \(length) bytes")
        }
        return bytes
    }

    private func blob(_ key: BlobKey) throws -> Blob {
        guard let blob = state.withLock({ $0.blobs[key] }) else {
            throw StorageError(.blobMissing, "The object's data is missing", resource: key.rawValue)
        }
        return blob
    }

    private static func info(_ blob: Blob, _ key: BlobKey) -> BlobInfo {
        BlobInfo(key: key, size: Int64(blob.bytes.readableBytes), modifiedAt: blob.modifiedAt)
    }

    private static func precedes(_ a: BlobKey, _ b: BlobKey) -> Bool {
        a.rawValue.utf8.lexicographicallyPrecedes(b.rawValue.utf8)
    }
}
