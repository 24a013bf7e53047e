// SPDX-License-Identifier: Apache-2.0

/// Takes over objects of another storage with what their rows there say: names, owners, metadata, dates and versions.
///
/// It is the operator's work: no policy, limit or quota stands in its way.
public struct ObjectTransfer: Sendable {
    public struct Options: Hashable, Sendable {
        /// Whether an object that is another one is overwritten.
        public var replaces: Bool
        /// Whether a tag that looks like an MD5 must be that of the bytes.
        public var checksTags: Bool
        /// Whether nothing is written: only looked for.
        public var isDryRun: Bool

        public init(replaces: Bool = false, checksTags: Bool = true, isDryRun: Bool = false) {
            self.replaces = replaces
            self.checksTags = checksTags
            self.isDryRun = isDryRun
        }
    }

    public enum Outcome: Hashable, Sendable {
        /// So many bytes came over, or would have.
        case taken(bytes: Int64)
        /// The same object is here.
        case present
    }

    let objects: Objects
    let options: Options
    let caller: Caller

    public init(_ storage: Storage, options: Options, as caller: Caller) {
        self.objects = storage.objects
        self.options = options
        self.caller = caller
    }

    /// Makes a bucket as it was elsewhere. - Returns: false for one that is here already, which stays as it is.
    public func take(_ bucket: Bucket) async throws -> Bool {
        do {
            _ = try await objects.metadata.bucket(bucket.id, as: caller)
            return false
        } catch let error as StorageError where error.code == .bucketNotFound {
            guard !options.isDryRun else { return true }
            _ = try await objects.metadata.createBucket(bucket, as: caller)
            objects.cache.invalidate(bucket.id)
            return true
        }
    }

    /// Makes an object as it was elsewhere.
    /// - Parameters:
    ///   - source: its row there.
    ///   - open: its bytes there; asked when they are needed.
    /// - Throws: `StorageError` with `.objectExists` for another object of that name; `.lengthMismatch` and `.digestMismatch` for other
    ///   bytes than the row tells of; what `open` throws.
    public func take(
        _ source: ObjectRecord, open: @Sendable () async throws -> BlobContent
    ) async throws -> Outcome {
        let present = try await present(at: source.address)
        // A row of which nobody knows where its bytes are is there to be told.
        if let present, present.blob != nil {
            guard !Self.isSame(present.record, source) else { return .present }
            guard options.replaces else {
                throw StorageError(
                    .objectExists, "There is another object of this name", resource: source.address.key.rawValue)
            }
        }
        let mode: PutMode = present == nil ? .create : .replace
        let kept = source.version.flatMap { mode == .create && Self.isOurs($0) ? $0 : nil }
        do {
            return try await take(source, as: kept ?? ObjectVersion(), mode, open)
        } catch let error as StorageError
            where error.code == .objectExists && kept != nil && !options.isDryRun
        {
            // The name is still free: it is the version that another object has, or one that is being deleted.
            guard try await self.present(at: source.address) == nil else { throw error }
            return try await take(source, as: ObjectVersion(), mode, open)
        }
    }

    private func present(at address: ObjectAddress) async throws -> ReadableObject? {
        do {
            return try await objects.metadata.visibleObject(at: address, as: caller)
        } catch let error as StorageError where error.code == .objectNotFound || error.code == .bucketNotFound {
            return nil
        }
    }

    private func take(
        _ source: ObjectRecord, as version: ObjectVersion, _ mode: PutMode, _ open: () async throws -> BlobContent
    ) async throws -> Outcome {
        let content = try await open()
        let details = ObjectMetadata(parsing: source.metadata)
        if let size = details.size, size != content.size {
            throw StorageError(.lengthMismatch, "It has \(content.size) bytes, and \(size) by its row")
        }
        guard !options.isDryRun else { return .taken(bytes: content.size) }
        let blob = try await store(content, as: version, at: source.address)
        do {
            try check(blob, details)
        } catch {
            await objects.placement.discard(blob)
            throw error
        }
        let object = NewObject(
            address: source.address, version: version, ownerID: source.ownerID ?? source.owner,
            metadata: Self.metadata(of: source, details, blob), userMetadata: source.userMetadata, blob: blob,
            past: ObjectPast(
                id: source.id, createdAt: source.createdAt, updatedAt: source.updatedAt, lastAccessedAt: source.lastAccessedAt))
        _ = try await objects.commit(object, mode: mode, facts: caller.facts)
        return .taken(bytes: blob.size)
    }

    private func store(
        _ content: BlobContent, as version: ObjectVersion, at address: ObjectAddress
    ) async throws -> BlobLocation {
        let bucket = try await objects.rules(ofDestination: address.bucket, facts: caller.facts)
        // Never at a version that others gave: bytes may be there.
        let place =
            bucket.ownStorage == nil
            ? objects.placement.staging(for: ObjectVersion())
            : try await objects.placement.place(for: version, of: address, in: bucket)
        let blob = try await objects.write(content.stream(), upTo: .max, at: place)
        guard blob.size == content.size else {
            await objects.placement.discard(blob)
            throw StorageError(.lengthMismatch, "\(blob.size) of \(content.size) bytes came")
        }
        return blob
    }

    private func check(_ blob: BlobLocation, _ details: ObjectMetadata) throws(StorageError) {
        guard options.checksTags, let tag = details.eTag.map(Self.plain), Self.isMD5(tag), let md5 = blob.md5, md5 != tag else {
            return
        }
        throw StorageError(.digestMismatch, "The MD5 of its bytes is \(md5), and \(tag) by its row")
    }

    // MARK: What rows say

    /// The same version, or the same bytes as far as can be told.
    private static func isSame(_ present: ObjectRecord, _ source: ObjectRecord) -> Bool {
        if let version = source.version, version == present.version { return true }
        let (a, b) = (ObjectMetadata(parsing: present.metadata), ObjectMetadata(parsing: source.metadata))
        guard let tag = a.eTag, let other = b.eTag, let size = a.size else { return false }
        return plain(tag) == plain(other) && size == b.size
    }

    /// A version of the form in which they are made here.
    private static func isOurs(_ version: ObjectVersion) -> Bool {
        let bytes = Array(version.rawValue.utf8)
        return bytes.count == 36
            && bytes.enumerated().allSatisfy { index, byte in
                [8, 13, 18, 23].contains(index)
                    ? byte == UInt8(ascii: "-")
                    : byte < 0x80 && Character(Unicode.Scalar(byte)).isHexDigit && !(0x41...0x46 ~= byte)
            }
    }

    /// What the row says, where it says what readers need; otherwise that with what is known of the bytes.
    private static func metadata(of source: ObjectRecord, _ details: ObjectMetadata, _ blob: BlobLocation) -> JSONText {
        if let stored = source.metadata, details.size != nil, details.mimetype != nil, details.eTag != nil { return stored }
        var details = details
        details.size = blob.size
        details.eTag = details.eTag ?? blob.md5.map { "\"\($0)\"" }
        details.mimetype = details.mimetype ?? "application/octet-stream"
        details.cacheControl = details.cacheControl ?? "no-cache"
        details.lastModified = details.lastModified ?? source.updatedAt ?? source.createdAt
        return details.json
    }

    /// Without quotes and the mark of a weak tag.
    private static func plain(_ tag: String) -> String {
        let text = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
        return text.filter { $0 != "\"" }.lowercased()
    }

    /// That of bytes that came in parts, with the number of parts behind it, is none of the whole.
    private static func isMD5(_ tag: String) -> Bool { tag.utf8.count == 32 && tag.allSatisfy { $0.isASCII && $0.isHexDigit } }
}
