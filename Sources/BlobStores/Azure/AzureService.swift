// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// The block blobs of an Azure container.
struct AzureService: ObjectService {
    let configuration: AzureConfiguration
    let client: ServiceClient<AzureDialect>

    /// The longest page of a list.
    private static let page = 5000
    /// How many blobs are deleted at a time: a batch would need a right of its own.
    private static let deletions = 16
    /// The longest range whose digest the service computes, in bytes.
    private static let digestedRange: Int64 = 4 << 20

    var limits: RemoteLimits { configuration.limits }
    let longestName = 1024

    init(_ configuration: AzureConfiguration) {
        self.configuration = configuration
        client = ServiceClient(AzureDialect(configuration: configuration), limits: configuration.limits)
    }

    func close() async throws { try await client.close() }

    /// All services of this kind are one service.
    func prepare(probes: String) async throws -> [String] { [] }

    func write(_ body: ByteStream, to name: String) async throws -> Int64 {
        try await AzureWriter(client: client, name: name).write(body)
    }

    func store(_ document: ByteBuffer, at name: String, onlyIfFree: Bool) async throws {
        do {
            try await AzureWriter(client: client, name: name).put(document, fields: onlyIfFree ? [AzureWriter.onlyIfFree] : [])
        } catch let failure as ServiceFailure where onlyIfFree && failure.isConflict {
            throw NameTaken()
        }
    }

    func open(_ name: String, range: ByteRange?) async throws -> RemoteObject {
        var fields: [NamedValue] = []
        if let range { fields = try await self.fields(range, of: name) }
        let response = try await client.open(AzureRequest(.GET, name, fields: fields))
        let extent = try ObjectExtent(response.headers, isRange: range != nil)
        return RemoteObject(
            extent: extent, response: response,
            checksum: response.headers.first(name: "content-md5").flatMap { ChecksumValue(.md5, base64: $0) },
            reopen: reopening(name, tag: response.headers.first(name: "etag"), end: extent.range.upperBound))
    }

    private func reopening(_ name: String, tag: String?, end: Int64) -> RemoteObject.Reopen? {
        guard let tag else { return nil }
        return { [client] offset in
            let fields = [NamedValue("x-ms-range", "bytes=\(offset)-\(end - 1)"), NamedValue("if-match", tag)]
            return try await client.open(AzureRequest(.GET, name, fields: fields))
        }
    }

    /// The service does not know ranges that count from the end.
    private func fields(_ range: ByteRange, of name: String) async throws -> [NamedValue] {
        guard case .last(let count) = range else {
            let field = NamedValue("x-ms-range", range.fieldValue)
            guard case .closed(let bounds) = range, Int64(bounds.count) <= Self.digestedRange else { return [field] }
            return [field, NamedValue("x-ms-range-get-content-md5", "true")]
        }
        let (answer, size) = try await head(name)
        guard size > 0, count > 0 else { throw ServiceFailure(.refused(status: 416, code: "InvalidRange")) }
        let field = NamedValue("x-ms-range", "bytes=\(max(0, size - Int64(count)))-\(size - 1)")
        return [field] + (answer.headers.first(name: "etag").map { [NamedValue("if-match", $0)] } ?? [])
    }

    func describe(_ name: String) async throws -> ObjectEntry {
        let (answer, size) = try await head(name)
        let date = answer.headers.first(name: "last-modified").flatMap { Timestamp(httpDate: $0) }
        return ObjectEntry(name: name, size: size, modifiedAt: date ?? .now())
    }

    private func head(_ name: String) async throws -> (ServiceAnswer, Int64) {
        let answer = try await client.send(AzureRequest(.HEAD, name))
        guard let size = answer.headers.first(name: "content-length").flatMap({ Int64($0) }) else {
            throw ServiceFailure(.malformed("a blob without a length"))
        }
        return (answer, size)
    }

    func delete(_ names: [String]) async throws {
        try await forEach(names, concurrently: Self.deletions) { name in
            do {
                _ = try await client.send(
                    AzureRequest(.DELETE, name, fields: [NamedValue("x-ms-delete-snapshots", "include")]))
            } catch let failure as ServiceFailure where failure.isMissingKey {
                return
            }
        }
    }

    func list(_ prefix: String, from token: String?, limit: Int) async throws -> ObjectPage {
        var token = token
        while true {
            let page = try await list(prefix, marker: token, limit: min(max(limit, 1), Self.page))
            guard page.entries.isEmpty, let next = page.next, next != token else { return page }
            token = next
        }
    }

    private func list(_ prefix: String, marker: String?, limit: Int) async throws -> ObjectPage {
        var query: [QueryParameters.Parameter] = [
            .init(name: "restype", value: "container"), .init(name: "comp", value: "list"),
            .init(name: "prefix", value: prefix), .init(name: "maxresults", value: String(limit)),
        ]
        if let marker { query.append(.init(name: "marker", value: marker)) }
        return try AzureDocument.page(try await client.send(AzureRequest(.GET, query: query)).body)
    }

    func copy(_ source: String, of size: Int64, to destination: String, as presentation: ObjectPresentation?) async throws {
        let (answer, _) = try await head(source)
        var fields: [NamedValue] = []
        func carry(_ name: String, _ value: String?) { if let value { fields.append(NamedValue(name, value)) } }
        carry("x-ms-blob-content-md5", answer.headers.first(name: "content-md5"))
        if let presentation {
            carry("x-ms-blob-content-type", presentation.mediaType)
            carry("x-ms-blob-cache-control", presentation.cacheControl)
        } else {
            carry("x-ms-blob-content-type", answer.headers.first(name: "content-type"))
            carry("x-ms-blob-cache-control", answer.headers.first(name: "cache-control"))
        }
        try await copy([ObjectEntry(name: source, size: size, modifiedAt: .now())], to: destination, fields: fields)
    }

    func join(_ sources: [ObjectEntry], into name: String) async throws -> Bool {
        do {
            try await copy(sources, to: name, fields: [AzureWriter.onlyIfFree])
            return true
        } catch let failure as ServiceFailure where failure.isConflict {
            throw NameTaken()
        } catch let failure as ServiceFailure where failure.isUnsupported {
            return false
        }
    }

    private func copy(_ sources: [ObjectEntry], to name: String, fields: [NamedValue]) async throws {
        // The service says how large its objects are, and may say anything.
        let mostPieces = Int64(AzureWriter.mostBlocks)
        guard sources.allSatisfy({ $0.size / Int64(configuration.copyBytes) <= mostPieces }) else {
            throw StorageError.tooLarge()
        }
        let pieces = sources.flatMap { source in
            stride(from: 0, to: source.size, by: Int64.Stride(configuration.copyBytes)).map { start in
                (source.name, start..<min(start + configuration.copyBytes, source.size))
            }
        }
        guard pieces.count <= AzureWriter.mostBlocks else { throw StorageError.tooLarge() }
        let writer = AzureWriter(client: client, name: name)
        try await forEach(Array(pieces.enumerated()), concurrently: limits.concurrentParts) { index, piece in
            try await writer.copyBlock(index + 1, from: piece.0, piece.1)
        }
        try await writer.commit((0..<pieces.count).map { writer.blockID($0 + 1) }, fields: fields)
    }

    /// What was never committed the service removes by itself, within a week.
    func sweepUnfinished(below prefix: String, before date: Timestamp) async throws -> Int { 0 }
}
