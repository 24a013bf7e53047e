// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Reading objects: by policy, from public buckets, or by a signed grant.
public struct Delivery: Sendable {
    let metadata: any MetadataStore
    let blobs: any BlobStoreDirectory
    let cache: ReadCache
    let originals: OriginalsGate
    /// See `Storage.Configuration`.
    let unboundRole: String?

    func isUnbound(_ principal: Principal) -> Bool { unboundRole != nil && principal.role == unboundRole }

    /// Opens an object's bytes.
    ///
    /// All of what is returned, headers and bytes, is of one version, also when the object is replaced meanwhile.
    /// - Throws: `StorageError` with `.bucketNotFound`, `.objectNotFound` (hidden ones too), `.accessDenied` for an original that has
    ///   to be signed for, `.preconditionFailed`, `.rangeNotSatisfiable`, `.blobMissing` when the row is there and its bytes are not.
    public func open(
        _ address: ObjectAddress, range: ByteRange? = nil, preconditions: Preconditions = .none, access: Access
    ) async throws -> Delivered {
        var ticket = cache.ticket(for: address)
        if let cached = try cached(address, access: access) {
            try await originals.require(access, toOriginalAt: address)
            if let delivered = try await deliver(cached, range: range, preconditions: preconditions, ticket: ticket) {
                return delivered
            }
        }
        var lost: ObjectVersion??
        while true {
            ticket = cache.ticket(for: address)
            let object = try await read(address, access: access)
            // After the ticket: what becomes a matter of signatures meanwhile is not kept.
            try await originals.require(access, toOriginalAt: address)
            let details = ObjectMetadata(parsing: object.record.metadata)
            try preconditions.check(object.record, details)
            if preconditions.saveTransfer(of: object.record, details) {
                return Delivered(object: object, details: details, outcome: .notModified)
            }
            do {
                let range = preconditions.allowRange(of: object.record, details) ? range : nil
                return try await open(object, details, range: range, ticket: isShared(object, access) ? ticket : nil)
            } catch let error as StorageError where error.code == .blobMissing && lost != .some(object.record.version) {
                // The object was replaced between the row and its bytes: the row now names another version.
                lost = .some(object.record.version)
            }
        }
    }

    /// What is known of an object, without its bytes.
    /// - Throws: as `open`.
    public func describe(_ address: ObjectAddress, access: Access) async throws -> (
        object: ReadableObject, details: ObjectMetadata
    ) {
        let described = try await look(at: address, access: access)
        try await originals.require(access, toOriginalAt: address)
        return described
    }

    /// What there is to be made something of: whoever sees an object may know of it, also where its bytes have to be signed for.
    /// - Throws: as `open`, but for what is said of originals.
    public func look(at address: ObjectAddress, access: Access) async throws -> (object: ReadableObject, details: ObjectMetadata)
    {
        if let cached = try cached(address, access: access) { return (cached.object, cached.details) }
        let ticket = cache.ticket(for: address)
        let object = try await read(address, access: access)
        let details = ObjectMetadata(parsing: object.record.metadata)
        if let ticket, isShared(object, access) { _ = cache.insert(object, details: details, body: nil, ticket: ticket) }
        return (object, details)
    }

    func read(_ address: ObjectAddress, access: Access) async throws -> ReadableObject {
        try requireGrant(access, for: address)
        return try await metadata.object(at: address, access: access)
    }

    /// A cached object that `access` may read without asking the database.
    func cached(_ address: ObjectAddress, access: Access) throws(StorageError) -> CachedObject? {
        try requireGrant(access, for: address)
        guard let cached = cache.lookup(address) else { return nil }
        switch access {
        case .grant: return cached
        case .policy(let caller) where isUnbound(caller.principal): return cached
        case .publicBucket, .policy: return cached.object.bucket.isPublic ? cached : nil
        }
    }

    /// Whether an answer is the same for everybody who may ask by this access.
    func isShared(_ object: ReadableObject, _ access: Access) -> Bool {
        switch access {
        case .grant: true
        case .policy(let caller): object.bucket.isPublic || isUnbound(caller.principal)
        case .publicBucket: object.bucket.isPublic
        }
    }

    func requireGrant(_ access: Access, for address: ObjectAddress) throws(StorageError) {
        guard case .grant(let grant, _) = access else { return }
        guard grant.action == .download, grant.address == address else {
            throw StorageError(.signatureMismatch, "Invalid signature")
        }
    }

    /// Nil when the bytes are no longer where the cached row says.
    ///
    /// - Parameter ticket: from before `cached` was looked up: an object that was only described so far is kept with its bytes.
    private func deliver(
        _ cached: CachedObject, range: ByteRange?, preconditions: Preconditions, ticket: ReadCache.Ticket?
    ) async throws -> Delivered? {
        try preconditions.check(cached.object.record, cached.details)
        if preconditions.saveTransfer(of: cached.object.record, cached.details) {
            return Delivered(object: cached.object, details: cached.details, outcome: .notModified)
        }
        let range = preconditions.allowRange(of: cached.object.record, cached.details) ? range : nil
        if let body = cached.body.bytes { return try deliver(body, of: cached, range: range) }
        do {
            let fits = (cached.object.blob?.size ?? .max) <= cache.maxBodyBytes
            return try await open(cached.object, cached.details, range: range, ticket: fits ? ticket : nil)
        } catch let error as StorageError where error.code == .blobMissing {
            return nil
        }
    }

    private func deliver(_ body: ByteBuffer, of cached: CachedObject, range: ByteRange?) throws -> Delivered {
        let size = Int64(body.readableBytes)
        guard let range = try range?.resolved(size: size) else {
            let content = BlobContent(source: .buffer(body), size: size, range: 0..<size)
            return Delivered(object: cached.object, details: cached.details, outcome: .full(content), cached: cached)
        }
        let start = body.readerIndex + Int(range.lowerBound)
        guard let slice = body.getSlice(at: start, length: Int(range.upperBound - range.lowerBound)) else {
            throw StorageError(.internal, "Internal Server Error")
        }
        let content = BlobContent(source: .buffer(slice), size: size, range: range)
        return Delivered(object: cached.object, details: cached.details, outcome: .partial(content, range))
    }

    func open(
        _ object: ReadableObject, _ details: ObjectMetadata, range: ByteRange?, ticket: ReadCache.Ticket?
    ) async throws -> Delivered {
        guard let blob = object.blob else {
            throw StorageError(.blobMissing, "The resource was not found", resource: object.record.address.key.rawValue)
        }
        let resolved = try range?.resolved(size: blob.size)
        var content = try await blobs.store(for: blob.backend).get(
            blob.key, range: resolved.map { .closed($0.lowerBound...($0.upperBound - 1)) })
        guard content.size == blob.size else {
            throw StorageError(
                .internal, "Internal Server Error", resource: "blob \(blob.key) has \(content.size) bytes, not \(blob.size)")
        }
        if let resolved { return Delivered(object: object, details: details, outcome: .partial(content, resolved)) }
        // The managed disk is this machine's own, and `verify` reads it.
        if blob.backend != .managed { content = try VerifiedBytes.verifying(content, of: blob) }
        var cached: CachedObject?
        if let ticket {
            var body: ByteBuffer?
            if case .buffer(let buffer) = content.source, buffer.readableBytes <= cache.maxBodyBytes { body = buffer }
            cached = cache.insert(object, details: details, body: body, ticket: ticket)
        }
        return Delivered(object: object, details: details, outcome: .full(content), cached: cached)
    }
}

extension Preconditions {
    /// Whether the reader has these bytes already. RFC 9110 §13.2.2: `If-None-Match`, where given, is the only one that counts.
    public func saveTransfer(of record: ObjectRecord, _ details: ObjectMetadata) -> Bool {
        if let ifNoneMatch {
            return EntityTag.matches(ifNoneMatch, record.entityTag(details))
        }
        if let ifModifiedSince, let modified = details.lastModified ?? record.updatedAt {
            return modified.seconds <= ifModifiedSince.seconds
        }
        return false
    }

    /// Whether a range may be answered with a part. RFC 9110 §13.1.5: by strong comparison, or by the exact date.
    func allowRange(of record: ObjectRecord, _ details: ObjectMetadata) -> Bool {
        guard let ifRange else { return true }
        if ifRange == record.entityTag(details) { return true }
        guard let date = Timestamp(httpDate: ifRange), let modified = details.lastModified ?? record.updatedAt else {
            return false
        }
        return date.seconds == modified.seconds
    }
}

extension ObjectRecord {
    /// The strong validator of the object's bytes: the stored ETag, or the version for rows that have none.
    public func entityTag(_ details: ObjectMetadata) -> String {
        details.eTag ?? "\"\(version?.rawValue ?? id.rawValue)\""
    }
}
