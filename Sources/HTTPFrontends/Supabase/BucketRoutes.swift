// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

extension SupabaseCall {
    func createBucket() async throws -> Response {
        let caller = try requiredCaller()
        let body = try await body()
        let name = try body.requiredString("name")
        let id = try body.string("id") ?? name
        if let type = try body.string("type"), type != "STANDARD" {
            guard type == "ANALYTICS" else { throw body.invalid("type", "must be equal to one of the allowed values") }
            throw SupabaseError(409, code: "FeatureNotEnabled", message: "The feature analytics buckets is not enabled")
        }
        let bucket = Bucket(
            id: try BucketID(naming: id), name: try BucketID(naming: name).rawValue, isPublic: try body.bool("public") ?? false,
            fileSizeLimit: try fileSizeLimit(body), allowedMimeTypes: try body.strings("allowed_mime_types"))
        _ = try await storage.buckets.create(bucket, as: caller)
        return Self.json(JSONWriter.object { $0.field("name", name) })
    }

    func listBuckets() async throws -> Response {
        let caller = try requiredCaller()
        let buckets = try await storage.buckets.list(
            BucketQuery(
                limit: try query.integer("limit", minimum: 1).map { Int($0) },
                offset: try query.integer("offset", minimum: 0).map { Int($0) },
                sortColumn: try query.choice("sortColumn", of: BucketQuery.Column.self),
                order: try query.choice("sortOrder", of: SortOrder.self) ?? .ascending,
                search: try query.string("search")),
            as: caller)
        let showsType = !isOldPythonClient
        var writer = JSONWriter()
        writer.array(buckets) { writer, bucket in bucket.write(to: &writer, showsType: showsType) }
        return Self.json(writer.text)
    }

    func getBucket(_ id: String) async throws -> Response {
        let caller = try requiredCaller()
        let bucket = try await storage.buckets.get(try bucketID(id), as: caller)
        var writer = JSONWriter()
        bucket.write(to: &writer, showsType: false)
        return Self.json(writer.text)
    }

    func updateBucket(_ id: String) async throws -> Response {
        let caller = try requiredCaller()
        let body = try await body()
        var changes = BucketChanges(isPublic: try body.bool("public"))
        if body.has("file_size_limit") { changes.fileSizeLimit = .some(try fileSizeLimit(body)) }
        if body.has("allowed_mime_types") { changes.allowedMimeTypes = .some(try body.strings("allowed_mime_types")) }
        guard !changes.isEmpty else {
            throw SupabaseError.validation("body must have required property 'public', 'file_size_limit' or 'allowed_mime_types'")
        }
        try await storage.buckets.update(try bucketID(id), changes: changes, as: caller)
        return Self.message("Successfully updated")
    }

    func deleteBucket(_ id: String) async throws -> Response {
        let caller = try requiredCaller()
        try await ignoredBody()
        try await storage.buckets.delete(try bucketID(id), as: caller)
        return Self.message("Successfully deleted")
    }

    func emptyBucket(_ id: String) async throws -> Response {
        let caller = try requiredCaller()
        try await ignoredBody()
        try await storage.buckets.empty(try bucketID(id), as: caller)
        // Quirk: the reference queues the work and its tests compare this text; here it is done by now.
        return Self.message("Empty bucket has been queued. Completion may take up to an hour.")
    }

    /// Bytes, or text with a unit, or null.
    private func fileSizeLimit(_ body: RequestFields) throws -> Int64? {
        if case .number = body.fields["file_size_limit"] { return try body.integer("file_size_limit", minimum: 0) }
        guard let text = try body.string("file_size_limit") else { return nil }
        return try FileSizeLimit.bytes(text)
    }

    // Quirk: older Python clients fail on a field they don't know.
    private var isOldPythonClient: Bool {
        if let info = request.headers[.clientInfo], let version = Self.version(in: info, after: "supabase-py/") {
            return version < [2, 18, 0]
        }
        if let agent = request.headers[.userAgent], let version = Self.version(in: agent, after: "supabase-py/storage3 v") {
            return version < [0, 12, 1]
        }
        return false
    }

    private static func version(in text: String, after prefix: String) -> Version? {
        guard let start = text.firstRange(of: prefix)?.upperBound else { return nil }
        let numbers = text[start...].prefix { $0.isNumber || $0 == "." }.split(separator: ".").compactMap { Int($0) }
        return numbers.isEmpty ? nil : Version(numbers: numbers)
    }

    private struct Version: Comparable, ExpressibleByArrayLiteral {
        let numbers: [Int]
        init(numbers: [Int]) { self.numbers = numbers }
        init(arrayLiteral elements: Int...) { self.numbers = elements }
        static func < (a: Version, b: Version) -> Bool { a.numbers.lexicographicallyPrecedes(b.numbers) }
    }
}

extension Bucket {
    fileprivate func write(to writer: inout JSONWriter, showsType: Bool) {
        writer.object { writer in
            writer.field("id", id.rawValue)
            writer.field("name", name)
            // Quirk: storage3's model requires text here; a bucket of nobody has the empty one.
            writer.field("owner", owner ?? "")
            writer.field("public", isPublic)
            writer.field("file_size_limit", fileSizeLimit)
            writer.key("allowed_mime_types")
            if let allowedMimeTypes {
                writer.array(allowedMimeTypes) { writer, type in writer.string(type) }
            } else {
                writer.string(nil)
            }
            writer.field("created_at", createdAt)
            writer.field("updated_at", updatedAt)
            if showsType { writer.field("type", type) }
        }
    }
}
