// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import NIOCore
import Synchronization

/// A project's own store while it is open. Closed once nobody uses it any more: who reads a blob of it holds it.
///
/// Its failures are those of somebody else's service, and are told apart from this server's own.
final class SharedBlobStore: BlobStore {
    let id: BackendID
    let openedAt = ContinuousClock.now
    private let store: any ClosableBlobStore
    private let report: @Sendable (SharedBlobStore, (any Error)?) -> Void
    private let logger: Logger
    private let isClosed = Mutex(false)
    /// How many calls in a row did not reach the service.
    let strikes = Mutex(0)

    /// How long a read may take to begin: less than a request waits for its image, so that who waits learns why.
    private static let patience = Duration.seconds(10)

    /// - Parameter report: told of every call: nil when the store answered, else what was wrong with it.
    init(
        _ store: any ClosableBlobStore, of id: BackendID, logger: Logger,
        report: @escaping @Sendable (SharedBlobStore, (any Error)?) -> Void
    ) {
        self.id = id
        self.store = store
        self.report = report
        self.logger = logger
    }

    deinit {
        guard isClosed.withLock({ !$0 }) else { return }
        // Owned by nobody: it ends with the connections, none of which is in use.
        Task { [store, logger] in await Self.close(store, logger) }
    }

    /// Closes it now, for the end of the process.
    func close() async {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        if isFirst { await Self.close(store, logger) }
    }

    private static func close(_ store: any ClosableBlobStore, _ logger: Logger) async {
        do { try await store.close() } catch {
            logger.warning("a project's storage was not closed", metadata: ["error": "\(error)"])
        }
    }

    fileprivate func mapped<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            let value = try await body()
            report(self, nil)
            return value
        } catch {
            guard let failure = OriginFailure.of(error) else {
                if (error as? StorageError)?.code == .blobMissing { report(self, nil) }
                throw error
            }
            report(self, error)
            throw failure
        }
    }

    /// What somebody waits for who asks for little.
    private func answered<Value: Sendable>(
        _ body: @escaping @Sendable (any ClosableBlobStore) async throws -> Value
    ) async throws -> Value {
        try await mapped {
            do {
                return try await within(Self.patience) { [store] in try await body(store) }
            } catch let failure as ServiceFailure {
                throw failure.storageError
            }
        }
    }

    func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo {
        try await mapped { try await store.put(body, at: key) }
    }

    func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent {
        var content = try await answered { try await $0.get(key, range: range) }
        if case .stream(let stream) = content.source {
            content.source = .stream(ByteStream(length: stream.length, chunks: HeldChunks(base: stream, holder: self)))
        }
        return content
    }

    func info(_ key: BlobKey) async throws -> BlobInfo { try await answered { try await $0.info(key) } }

    func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
        try await mapped { try await store.copy(source, to: destination) }
    }

    func delete(_ keys: [BlobKey]) async throws { try await mapped { try await store.delete(keys) } }

    func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
        try await mapped { try await store.list(prefix: prefix, after: cursor, limit: limit) }
    }

    func beginMultipart(at key: BlobKey) async throws -> MultipartID {
        try await mapped { try await store.beginMultipart(at: key) }
    }

    func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart {
        try await mapped { try await store.putPart(body, as: number, of: id, at: key) }
    }

    var preferredPartBytes: Int64? { store.preferredPartBytes }

    func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart {
        try await mapped { try await store.appendPart(body, to: part, takingOver: takingOver, of: id, at: key) }
    }

    func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
        try await mapped { try await store.completeMultipart(id, at: key, parts: parts) }
    }

    func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {
        try await mapped { try await store.abortMultipart(id, at: key) }
    }

    func visitUnfinishedMultiparts(
        before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
    ) async throws {
        try await mapped { try await store.visitUnfinishedMultiparts(before: date, batch: batch, visit) }
    }

    func sweepUnfinished(before date: Timestamp) async throws -> Int {
        try await mapped { try await store.sweepUnfinished(before: date) }
    }
}

extension SharedBlobStore: DirectBlobAccess {
    func directDownload(
        of key: BlobKey, for seconds: Int64, as presentation: DirectPresentation
    ) async throws -> DirectRequest {
        try await requireDirect().directDownload(of: key, for: seconds, as: presentation)
    }

    func directUpload(to key: BlobKey, length: Int64, mediaType: String, for seconds: Int64) async throws -> DirectRequest {
        try await requireDirect().directUpload(to: key, length: length, mediaType: mediaType, for: seconds)
    }

    private func requireDirect() throws(StorageError) -> any DirectBlobAccess {
        guard let direct = store as? any DirectBlobAccess else {
            throw StorageError(.unsupported, "The project's storage lets nobody else in", resource: id.rawValue)
        }
        return direct
    }
}

/// The bytes of a blob, which keep the store open as long as they are read.
private struct HeldChunks: AsyncSequence, Sendable {
    typealias Failure = any Error
    let base: ByteStream
    let holder: SharedBlobStore

    struct AsyncIterator: AsyncIteratorProtocol {
        var chunks: any AsyncIteratorProtocol<ByteBuffer, any Error>
        let holder: SharedBlobStore

        mutating func next() async throws -> ByteBuffer? {
            do {
                return try await chunks.next(isolation: nil)
            } catch {
                return try await holder.mapped { throw error }
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: Self.iterator(base.chunks), holder: holder) }

    private static func iterator(
        _ chunks: some AsyncSequence<ByteBuffer, any Error>
    ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }
}
