// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
public import Logging
public import MediaCore
import NIOCore
import NIOHTTP1
import Synchronization
import WireFormats

/// Keeps blobs in a bucket of an S3 service: below `{prefix}blobs/`, parts of blobs to be below `{prefix}parts/`, and in
/// `{prefix}store.json` which store this is and whose.
///
/// Durable means here what the service means by it: an answer that says so.
public final class S3BlobStore: BlobStore {
    public let preferredPartBytes: Int64? = 256 << 20

    let service: S3Service
    let layout: S3Layout
    let honoursConditions: Bool
    let logger: Logger
    private let marker: Mutex<S3StoreMarker>
    /// The parts that calls of this process are writing to.
    let appending = Mutex<Set<String>>([])

    private init(
        service: S3Service, layout: S3Layout, marker: S3StoreMarker, honoursConditions: Bool, logger: Logger
    ) {
        self.service = service
        self.layout = layout
        self.marker = Mutex(marker)
        self.honoursConditions = honoursConditions
        self.logger = logger
    }

    /// Opens the store in a bucket, which must be there.
    /// - Parameter create: whether a missing store may be made: a wrong prefix looks like a store that never was.
    /// - Throws: `StorageError` with `.notConfigured` when there is no store and none may be made, or no such bucket;
    ///   `.backendUnavailable` when the service does not answer or does not know the credentials.
    public static func open(_ configuration: S3Configuration, create: Bool, logger: Logger) async throws -> S3BlobStore {
        let service = S3Service(configuration)
        let layout = S3Layout(prefix: configuration.prefix)
        do {
            let marker = try await S3StoreMarker.open(service, layout, create: create)
            let honours = try await honoursConditions(service, layout)
            if !honours {
                logger.warning("this S3 service ignores If-None-Match: writes ask first whether their key is free")
            }
            return S3BlobStore(
                service: service, layout: layout, marker: marker, honoursConditions: honours, logger: logger)
        } catch {
            try await service.close()
            guard let failure = error as? S3Failure else { throw error }
            guard failure.code == "NoSuchBucket" else { throw failure.storageError }
            throw StorageError(.notConfigured, "There is no bucket \(configuration.bucket) at the S3 service", cause: failure)
        }
    }

    /// Whether the service refuses to write to a key that is taken: asked by doing it.
    private static func honoursConditions(_ service: S3Service, _ layout: S3Layout) async throws -> Bool {
        let key = layout.probe(UUID().uuidString.lowercased())
        let body = ByteBuffer(string: "probe")
        let condition = [NamedValue("if-none-match", "*")]
        _ = try await service.send(S3Request(.PUT, key, body: body))
        let isRefused: Bool
        do {
            _ = try await service.send(S3Request(.PUT, key, fields: condition, body: body))
            isRefused = false
        } catch let failure as S3Failure where failure.isConflict {
            isRefused = true
        }
        _ = try await service.send(S3Request(.DELETE, key))
        return isRefused
    }

    /// Closes the connections. Nothing may be called afterwards.
    public func close() async throws { try await service.close() }

    /// Names this store among others; it never changes.
    public var id: String { marker.withLock { $0.id } }

    /// What the database that this store belongs to calls itself. Nil before the store is told of one.
    public var databaseID: String? { marker.withLock { $0.database } }

    /// Makes the store belong to a database, durably. To be called by one process at a time.
    public func belong(to databaseID: String) async throws {
        var changed = marker.withLock { $0 }
        changed.database = databaseID
        let (written, service, layout) = (changed, service, layout)
        try await mapped { try await written.write(service, layout) }
        marker.withLock { $0 = written }
    }

    /// Runs `body`, turning what the service says into the core's words.
    func mapped<Value>(_ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch let failure as S3Failure { throw failure.storageError }
    }

    /// As `mapped`, where a missing key means a missing blob.
    func mapped<Value>(reading key: BlobKey, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let failure as S3Failure where failure.isMissingKey {
            throw StorageError.missing(key, failure)
        } catch let failure as S3Failure {
            throw failure.storageError
        }
    }
}

// MARK: - Blobs

extension S3BlobStore {
    public func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo {
        try await mapped {
            do {
                let size = try await writer(layout.blob(key)).write(body)
                return BlobInfo(key: key, size: size, modifiedAt: .now())
            } catch is S3Writer.Taken {
                throw StorageError.exists(key)
            }
        }
    }

    func writer(_ key: String) -> S3Writer { S3Writer(service: service, key: key, honoursConditions: honoursConditions) }

    public func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent {
        try await mapped(reading: key) {
            let name = layout.blob(key)
            let fields = range.map { [NamedValue("range", $0.fieldValue)] } ?? []
            let response = try await service.open(S3Request(.GET, name, fields: fields))
            let extent = try S3Extent(response, isRange: range != nil)
            let tag = response.headers.first(name: "etag")
            let body = S3Body(service: service, key: name, tag: tag, range: extent.range, response: response)
            let stream = ByteStream(length: Int64(extent.range.count), chunks: body)
            guard extent.range.count <= service.configuration.inlineReadBytes else {
                return BlobContent(source: .stream(stream), size: extent.size, range: extent.range)
            }
            var buffer = ByteBuffer()
            for try await chunk in body { buffer.writeImmutableBuffer(chunk) }
            return BlobContent(source: .buffer(buffer), size: extent.size, range: extent.range)
        }
    }

    public func info(_ key: BlobKey) async throws -> BlobInfo {
        try await mapped(reading: key) {
            let found = try await describe(layout.blob(key))
            return BlobInfo(key: key, size: found.size, modifiedAt: found.modifiedAt)
        }
    }

    /// Size and date of a key of the service's. - Throws: `S3Failure`.
    func describe(_ name: String) async throws -> (size: Int64, modifiedAt: Timestamp) {
        let answer = try await service.send(S3Request(.HEAD, name))
        guard let size = answer.headers.first(name: "content-length").flatMap({ Int64($0) }) else {
            throw S3Failure(.malformed("an object without a length"))
        }
        let date = answer.headers.first(name: "last-modified").flatMap { Timestamp(httpDate: $0) }
        return (size, date ?? .now())
    }

    public func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
        try await mapped(reading: source) {
            let name = layout.blob(source)
            let size = try await describe(name).size
            try await S3Copy(service: service).copy(name, of: size, to: layout.blob(destination), fields: [])
            return BlobInfo(key: destination, size: size, modifiedAt: .now())
        }
    }

    public func delete(_ keys: [BlobKey]) async throws {
        try await mapped { try await service.delete(keys.map(layout.blob)) }
    }

    public func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
        try await mapped {
            let page = try await service.list(
                layout.blobs + prefix, after: cursor.map { layout.blobs + $0 }, limit: limit)
            let blobs = page.entries.map { entry in
                BlobInfo(
                    key: BlobKey(String(entry.key.dropFirst(layout.blobs.count))), size: entry.size, modifiedAt: entry.modifiedAt)
            }
            return BlobPage(blobs: blobs, cursor: page.isTruncated ? blobs.last?.key.rawValue ?? cursor : nil)
        }
    }
}

extension ByteRange {
    /// The value of `Range`. RFC 9110 §14.1.2.
    fileprivate var fieldValue: String {
        switch self {
        case .closed(let range): "bytes=\(range.lowerBound)-\(range.upperBound)"
        case .from(let start): "bytes=\(start)-"
        case .last(let count): "bytes=-\(count)"
        }
    }
}

/// Where a store keeps what.
struct S3Layout: Sendable {
    let prefix: String

    var marker: String { prefix + "store.json" }
    var blobs: String { prefix + "blobs/" }
    var parts: String { prefix + "parts/" }

    func blob(_ key: BlobKey) -> String { blobs + key.rawValue }
    func probe(_ name: String) -> String { "\(prefix)probes/\(name)" }
}

extension S3Service {
    /// The most keys that one request deletes or lists.
    private static let batch = 1000

    /// Deletes keys of the service's. Those that are absent are fine.
    func delete(_ keys: [String]) async throws {
        for start in stride(from: 0, to: keys.count, by: Self.batch) {
            let body = S3Document.deletion(of: keys[start..<min(start + Self.batch, keys.count)])
            let answer = try await send(
                S3Request(
                    .POST, query: [.init("delete", "")],
                    fields: [
                        NamedValue("content-md5", Checksum.of(body.readableBytesView, .md5).base64),
                        NamedValue("content-type", "application/xml"),
                    ], body: body))
            if let code = try S3Document.deletionErrors(answer.body).first(where: { $0 != "NoSuchKey" }) {
                throw S3Failure(.refused(status: 200, code: code))
            }
        }
    }

    /// A page of the keys that begin with `prefix` and follow `key`, in byte order.
    func list(_ prefix: String, after key: String?, limit: Int) async throws -> S3ListPage {
        var query: [QueryParameters.Parameter] = [
            .init("list-type", "2"), .init("prefix", prefix), .init("encoding-type", "url"),
            .init("max-keys", String(min(max(limit, 1), Self.batch))),
        ]
        if let key { query.append(.init("start-after", key)) }
        return try S3ListPage(try await send(S3Request(.GET, query: query)).body)
    }
}
