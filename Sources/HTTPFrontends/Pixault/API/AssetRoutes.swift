// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

/// One asset, and the list of them.
extension PixaultAPICall {
    func answer(
        _ part: PixaultAPIRoute.Part, _ method: HTTPRequest.Method, of id: String, in project: BucketID, as caller: Caller
    ) async throws -> Response {
        switch (part, method) {
        case (.whole, .delete): return try await delete(id, in: project, as: caller)
        case (.whole, _), (.metadata, .get):
            return Self.json(try await storage.assets.asset(id, in: project, as: caller).document)
        case (.metadata, _): return try await updateMetadata(of: id, in: project, as: caller)
        case (.linkedData, _): return try await linkedData(of: id, in: project, as: caller)
        case (.stripMetadata, _):
            try await storage.projects.admitUpload(by: caller.principal)
            return Self.json(try await storage.assets.stripMetadata(of: id, in: project, as: caller).document)
        case (.derived, _): return try await derived(of: id, in: project, as: caller)
        case (.processingStatus, _): return try await processingStatus(of: id, in: project, as: caller)
        case (.split, _): return try await process(id, .splitDocument, in: project, as: caller)
        case (.extractSVG, _): return try await process(id, .drawDocument, in: project, as: caller)
        }
    }

    func assets(of project: BucketID, as caller: Caller) async throws -> Response {
        let query = try AssetQuery(try queryParameters())
        let page = try await storage.assets.list(query, in: project, as: caller)
        let cursor = page.hasMore ? page.assets.last.map { AssetCursor.text($0.id) } : nil
        return Self.json(
            JSONWriter.object { writer in
                writer.key("images")
                writer.array(page.assets) { writer, asset in asset.write(to: &writer) }
                writer.field("nextCursor", cursor)
                writer.field("totalCount", Int64(page.total))
                // What older clients read.
                writer.field("cursor", cursor)
                writer.field("hasMore", page.hasMore)
            })
    }

    func queryParameters() throws(PixaultProblem) -> QueryParameters {
        do {
            return try QueryParameters(
                parsing: target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.utf8.index(after: $0)...] })
        } catch {
            throw PixaultProblem.invalid("query", "can't be read")
        }
    }

    private func delete(_ id: String, in project: BucketID, as caller: Caller) async throws -> Response {
        try await storage.assets.delete(id, in: project, as: caller)
        return Self.done
    }

    private func updateMetadata(of id: String, in project: BucketID, as caller: Caller) async throws -> Response {
        let changes = try AssetChanges(MetadataBody(try await fields()))
        return Self.json(try await storage.assets.update(id, changes: changes, in: project, as: caller).document)
    }

    private func linkedData(of id: String, in project: BucketID, as caller: Caller) async throws -> Response {
        let asset = try await storage.assets.asset(id, in: project, as: caller)
        var response = Self.json(LinkedData(asset, origin: frontend.configuration.origin.url(for: request)).text)
        response.headers[.contentType] = "application/ld+json"
        return response
    }

    // MARK: Documents

    private func derived(of id: String, in project: BucketID, as caller: Caller) async throws -> Response {
        let derived = try await storage.assets.derived(of: id, in: project, as: caller)
        var writer = JSONWriter()
        writer.array(derived) { writer, asset in
            writer.object { writer in
                writer.field("imageId", asset.id.rawValue)
                writer.field("derivationType", asset.origin?.type)
                writer.field("width", Int64(asset.facts.width))
                writer.field("height", Int64(asset.facts.height))
                writer.field("sizeBytes", asset.facts.size)
                writer.field("contentType", asset.facts.mediaType)
                writer.field("uploadedAt", asset.uploadedAt)
            }
        }
        return Self.json(writer.text)
    }

    private func processingStatus(of id: String, in project: BucketID, as caller: Caller) async throws -> Response {
        guard let job = try await storage.assets.processing(of: id, in: project, as: caller) else {
            throw PixaultProblem(.notFound, "Nothing was processed of '\(id.prefix(128))'")
        }
        return Self.json(job.document)
    }

    private func process(
        _ id: String, _ kind: JobKind, in project: BucketID, as caller: Caller
    ) async throws -> Response {
        // It costs as much as an upload.
        try await storage.projects.admitUpload(by: caller.principal)
        return Self.begun(try await storage.assets.process(id, kind, in: project, as: caller))
    }

    /// The answer to an order of work in the background.
    static func begun(_ job: Job) -> Response {
        json(
            JSONWriter.object { writer in
                writer.field("jobId", job.id.rawValue)
                writer.field("status", job.status.rawValue)
            }, status: .accepted)
    }
}

extension Job {
    /// As clients read the state of a job: all counts are there.
    var document: String { JSONWriter.object { writeFields(to: &$0) } }

    func writeFields(to writer: inout JSONWriter) {
        writer.field("id", id.rawValue)
        writer.field("source", kind.rawValue)
        writer.field("status", status.rawValue)
        writer.field("totalAssets", progress.total ?? 0)
        writer.field("processedAssets", progress.processed)
        writer.field("succeededAssets", progress.succeeded)
        writer.field("failedAssets", progress.failed)
        writer.field("createdAt", createdAt)
        writer.field("startedAt", startedAt)
        writer.field("completedAt", completedAt)
        writer.field("error", failure)
    }
}

/// Where a page of assets ended, as text that says nothing to clients.
enum AssetCursor {
    static func text(_ id: AssetID) -> String { Base64URL.encode(Array(id.rawValue.utf8)) }

    /// Nil for what is no cursor. An id is one, too: some clients go on from the last one they saw.
    static func read(_ text: String) -> AssetID? {
        if AssetID.isID(text) { return AssetID(stored: text) }
        guard let bytes = Base64URL.decode(text), let id = String(validating: bytes, as: UTF8.self), AssetID.isID(id),
            id.utf8.count <= 64, id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return AssetID(stored: id)
    }
}

extension AssetQuery {
    /// - Throws: `PixaultProblem` that names the first parameter that is wrong.
    init(_ query: QueryParameters) throws {
        self.init()
        if let limit = try query.limit(upTo: Self.maxLimit) { self.limit = limit }
        if let text = query["cursor"], !text.isEmpty {
            guard let cursor = AssetCursor.read(text) else { throw PixaultProblem.invalid("cursor", "is none of this list") }
            after = cursor
        }
        search = try Self.text("search", query)
        category = try Self.text("category", query)
        keyword = try Self.text("keyword", query)
        author = try Self.text("author", query)
        if let text = query["isVideo"], !text.isEmpty { isVideo = try Self.boolean("isVideo", text) }
        if let text = query["includeDerived"], !text.isEmpty { includesDerived = try Self.boolean("includeDerived", text) }
        // An empty one is the root; where there is none, all folders are meant.
        if let text = query["folder"] { folder = try FolderPath(text) }
    }

    private static let longestText = 512

    private static func text(_ name: String, _ query: QueryParameters) throws -> String? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard text.utf8.count <= longestText, !text.utf8.contains(0) else {
            throw PixaultProblem.invalid(name, "must be text of at most \(longestText) bytes")
        }
        return text
    }

    private static func boolean(_ name: String, _ text: String) throws -> Bool {
        guard let value = FormBoolean.read(text) else { throw PixaultProblem.invalid(name, "must be true or false") }
        return value
    }
}

extension QueryParameters {
    /// How much of a list is wanted, from 1 to `most`: what is outside is the nearest of these. Nil where nothing is said.
    /// - Throws: `PixaultProblem` for what is no number.
    func limit(upTo most: Int) throws(PixaultProblem) -> Int? {
        guard let text = self["limit"], !text.isEmpty else { return nil }
        guard let limit = Int(text) else { throw .invalid("limit", "must be a whole number") }
        return min(max(limit, 1), most)
    }
}

/// Truth as forms and queries say it, in any case.
enum FormBoolean {
    static func read(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1", "on", "yes": true
        case "false", "0", "off", "no": false
        default: nil
        }
    }
}
