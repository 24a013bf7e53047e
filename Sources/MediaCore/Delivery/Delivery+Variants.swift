// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What variants are made of.
extension Delivery {
    /// An object that somebody may see, to make something of it.
    struct Source: Sendable {
        var object: ReadableObject
        var details: ObjectMetadata
        /// What the cache holds of it, to keep with it what is made of it. Nil when it is not kept.
        var cached: CachedObject?
    }

    /// Finds an object, its bytes unread.
    /// - Parameter isFresh: whether the database must be asked, since what the cache says turned out to be wrong.
    /// - Throws: as `describe`.
    func source(_ address: ObjectAddress, isFresh: Bool, access: Access) async throws -> Source {
        if !isFresh, let cached = try cached(address, access: access) {
            return Source(object: cached.object, details: cached.details, cached: cached)
        }
        let ticket = cache.ticket(for: address)
        let object = try await read(address, access: access)
        let details = ObjectMetadata(parsing: object.record.metadata)
        var cached: CachedObject?
        if let ticket, isShared(object, access) {
            cached = cache.insert(object, details: details, body: nil, ticket: ticket) ?? cache.lookup(address)
            // Somebody else's read may be of another state.
            if let found = cached, found.object != object { cached = nil }
        }
        return Source(object: object, details: details, cached: cached)
    }

    /// All bytes of an object in memory.
    /// - Parameter limit: in bytes.
    /// - Throws: `StorageError` with `.imageTooLarge` past the limit; what `open` throws.
    func bytes(of source: Source, limit: Int) async throws -> ByteBuffer {
        guard let blob = source.object.blob else { throw source.missing }
        guard blob.size <= limit else {
            throw StorageError(.imageTooLarge, "The image has more than \(limit) bytes", resource: "size")
        }
        if let bytes = source.cached?.body.bytes { return bytes }
        let content = try await blobs.store(for: blob.backend).get(blob.key, range: nil)
        guard content.size == blob.size else {
            throw StorageError(
                .internal, "Internal Server Error", resource: "blob \(blob.key) has \(content.size) bytes, not \(blob.size)")
        }
        if case .buffer(let bytes) = content.source { return bytes }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(Int(blob.size))
        for try await chunk in content.stream().chunks {
            guard bytes.readableBytes + chunk.readableBytes <= Int(blob.size) else { throw source.missing }
            bytes.writeImmutableBuffer(chunk)
        }
        guard bytes.readableBytes == Int(blob.size) else { throw source.missing }
        return bytes
    }
}

extension Delivery.Source {
    /// The row is there and its bytes are not.
    var missing: StorageError {
        StorageError(.blobMissing, "The resource was not found", resource: object.record.address.key.rawValue)
    }
}
