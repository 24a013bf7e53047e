// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

extension SupabaseCall {
    func deleteObject(_ bucket: String, _ key: String) async throws -> Response {
        let caller = try requiredCaller()
        try await storage.objects.delete(try address(bucket, key), as: caller)
        return Self.message("Successfully deleted")
    }

    func deleteObjects(_ bucket: String) async throws -> Response {
        let caller = try requiredCaller()
        let body = try await body()
        guard let names = try body.strings("prefixes") else { throw body.missing("prefixes") }
        guard !names.isEmpty else { throw body.invalid("prefixes", "must NOT have fewer than 1 items") }
        // What can't be a key names no object, and unknown objects are silently absent from the answer.
        let keys = names.compactMap { try? ObjectKey($0) }
        let deleted = try await storage.objects.delete(keys, in: try bucketID(bucket), as: caller)
        var writer = JSONWriter()
        writer.array(deleted) { writer, record in writer.object { record.write(to: &$0) } }
        return Self.json(writer.text)
    }

    func copy() async throws -> Response {
        let caller = try requiredCaller()
        let body = try await body()
        let (source, destination) = try addresses(body)
        let copiesMetadata = try body.bool("copyMetadata") ?? true
        let changes = try body.object("metadata")
        let options = CopyOptions(
            mode: request.headers[.upsert] == "true" ? .replace : .create,
            metadata: copiesMetadata
                ? .keep
                : .replace(
                    cacheControl: try changes?.string("cacheControl"), mimetype: try changes?.string("mimetype"),
                    userMetadata: request.headers[.userMetadata].flatMap(Self.userMetadata(base64:))),
            alphabet: .portable)
        let record = try await named(source) {
            try await storage.objects.copy(from: source, to: destination, options: options, as: caller)
        }
        return Self.json(
            JSONWriter.object { writer in
                writer.field("Id", record.id.rawValue)
                writer.field("Key", destination.description)
                record.write(to: &writer)
            })
    }

    func move() async throws -> Response {
        let caller = try requiredCaller()
        let body = try await body()
        let (source, destination) = try addresses(body)
        do {
            try await named(source) {
                try await storage.objects.move(from: source, to: destination, alphabet: .portable, as: caller)
            }
        } catch let error as StorageError where error.code == .objectExists {
            var taken = SupabaseError(error)
            taken.code = "ResourceAlreadyExists"
            throw taken
        }
        return Self.message("Successfully moved")
    }

    private func addresses(_ body: RequestFields) throws -> (source: ObjectAddress, destination: ObjectAddress) {
        let bucket = try BucketID(existing: try body.requiredString("bucketId"))
        let source = try ObjectKey(try body.requiredString("sourceKey"))
        let destination = try ObjectKey(try body.requiredString("destinationKey"))
        let target = try body.string("destinationBucket").map { name throws(StorageError) in try BucketID(existing: name) }
        context.trace.bucket = target ?? bucket
        return (ObjectAddress(bucket: bucket, key: source), ObjectAddress(bucket: target ?? bucket, key: destination))
    }
}

extension ObjectRecord {
    /// The row as bulk deletion and copy show it. Quirk: text columns that are NULL are written as the empty text.
    fileprivate func write(to writer: inout JSONWriter) {
        writer.field("name", address.key.rawValue)
        writer.field("bucket_id", address.bucket.rawValue)
        writer.field("owner", owner ?? "")
        writer.field("owner_id", ownerID ?? "")
        writer.field("version", version?.rawValue ?? "")
        writer.field("id", id.rawValue)
        writer.field("updated_at", updatedAt)
        writer.field("created_at", createdAt)
        writer.field("last_accessed_at", lastAccessedAt)
        writer.field("metadata", metadata)
        writer.field("user_metadata", userMetadata)
    }
}
