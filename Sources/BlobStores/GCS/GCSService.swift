// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// The objects of a bucket of Google Cloud Storage.
struct GCSService: ObjectService {
    let configuration: GCSConfiguration
    let client: ServiceClient<GCSDialect>

    /// The longest page of a list.
    private static let page = 1000
    /// How many objects are deleted at a time.
    private static let deletions = 16

    var limits: RemoteLimits { configuration.limits }
    let longestName = 1024

    init(_ configuration: GCSConfiguration) {
        self.configuration = configuration
        let tokens = AccessTokens(configuration.key, limits: configuration.limits)
        client = ServiceClient(GCSDialect(configuration: configuration, tokens: tokens), limits: configuration.limits)
    }

    func close() async throws {
        try await client.dialect.tokens.close()
        try await client.close()
    }

    /// All services of this kind are one service.
    func prepare(probes: String) async throws -> [String] { [] }

    func write(_ body: ByteStream, to name: String) async throws -> Int64 {
        try await GCSWriter(client: client, name: name).write(body)
    }

    func store(_ document: ByteBuffer, at name: String, onlyIfFree: Bool) async throws {
        do {
            try await GCSWriter(client: client, name: name).put(document, onlyIfFree: onlyIfFree)
        } catch let failure as ServiceFailure where onlyIfFree && failure.isConflict {
            throw NameTaken()
        }
    }

    func open(_ name: String, range: ByteRange?) async throws -> RemoteObject {
        let response = try await client.open(Self.download(name, range: range?.fieldValue))
        let extent = try ObjectExtent(response.headers, isRange: range != nil)
        // What is said of a range is said of the object.
        return RemoteObject(
            extent: extent, response: response, checksum: extent.isWhole ? Self.checksum(response.headers) : nil,
            reopen: reopening(
                name, generation: response.headers.first(name: "x-goog-generation"), end: extent.range.upperBound))
    }

    private func reopening(_ name: String, generation: String?, end: Int64) -> RemoteObject.Reopen? {
        guard let generation else { return nil }
        return { [client] offset in
            try await client.open(Self.download(name, range: "bytes=\(offset)-\(end - 1)", generation: generation))
        }
    }

    private static func download(_ name: String, range: String?, generation: String? = nil) -> GCSRequest {
        // Without the field, what was stored compressed would come in another form than it is kept in.
        GCSRequest(
            .GET, .object(name), query: [("alt", "media")] + (generation.map { [("generation", $0)] } ?? []),
            fields: [NamedValue("accept-encoding", "gzip")] + (range.map { [NamedValue("range", $0)] } ?? []))
    }

    /// Reads `crc32c=…,md5=…`, in one field or two.
    private static func checksum(_ headers: HTTPHeaders) -> ChecksumValue? {
        for field in headers["x-goog-hash"] {
            for word in field.split(separator: ",") {
                let word = word.drop { $0 == " " }
                if word.hasPrefix("crc32c=") { return ChecksumValue(.crc32c, base64: String(word.dropFirst(7))) }
            }
        }
        return nil
    }

    func describe(_ name: String) async throws -> ObjectEntry {
        let answer = try await client.send(GCSRequest(.GET, .object(name), query: [("fields", GCSObject.wanted)]))
        return try GCSObject.read(GCSObject.self, answer.body).entry()
    }

    func delete(_ names: [String]) async throws {
        try await forEach(names, concurrently: Self.deletions) { name in
            do {
                _ = try await client.send(GCSRequest(.DELETE, .object(name)))
            } catch let failure as ServiceFailure where failure.isMissingKey {
                return
            }
        }
    }

    func list(_ prefix: String, from token: String?, limit: Int) async throws -> ObjectPage {
        var token = token
        while true {
            let query = [
                ("prefix", prefix), ("maxResults", String(min(max(limit, 1), Self.page))),
                ("fields", "nextPageToken,items(name,size,updated)"),
            ]
            let answer = try await client.send(
                GCSRequest(.GET, .objects, query: query + (token.map { [("pageToken", $0)] } ?? [])))
            let listing = try GCSObject.read(GCSListing.self, answer.body)
            var entries: [ObjectEntry] = []
            for item in listing.items ?? [] { entries.append(try item.entry()) }
            let next = listing.nextPageToken.flatMap { $0.isEmpty ? nil : $0 }
            guard entries.isEmpty, let next, next != token else { return ObjectPage(entries: entries, next: next) }
            token = next
        }
    }

    /// The service itself takes a large object in several turns.
    func copy(_ source: String, of size: Int64, to destination: String, as presentation: ObjectPresentation?) async throws {
        let bucket = PercentEncoding.encodeComponent(configuration.bucket)
        let target = "rewriteTo/b/\(bucket)/o/\(PercentEncoding.encodeComponent(destination))"
        let resource = presentation.map { GCSResource(contentType: $0.mediaType, cacheControl: $0.cacheControl) }
        let body = try (resource ?? GCSResource()).document
        var token: String?
        repeat {
            let answer = try await client.send(
                GCSRequest(
                    .POST, .object(source, action: target), query: token.map { [("rewriteToken", $0)] } ?? [],
                    fields: [NamedValue("content-type", "application/json")], body: body))
            let rewrite = try GCSObject.read(GCSRewrite.self, answer.body)
            guard rewrite.done || rewrite.rewriteToken != nil else { throw ServiceFailure(.malformed("a copy that never ends")) }
            token = rewrite.done ? nil : rewrite.rewriteToken
        } while token != nil
    }

    func join(_ sources: [ObjectEntry], into name: String) async throws -> Bool {
        guard !sources.isEmpty else { return false }
        try await GCSComposer(client: client).join(sources.map(\.name), into: name)
        return true
    }

    /// An upload that is never ended is no object, and the service forgets it within a week.
    func sweepUnfinished(below prefix: String, before date: Timestamp) async throws -> Int { 0 }
}
