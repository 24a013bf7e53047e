// SPDX-License-Identifier: Apache-2.0

/// Makes and reads the tokens of signed URLs: a right to one object and one action, for a while.
public struct SignedURLs: Sendable {
    private let keys: KeyRing
    private let metadata: any MetadataStore
    private let originals: OriginalsGate
    /// How long a signed upload URL lives, in seconds.
    private let uploadLifetime: Int64

    init(keys: KeyRing, metadata: any MetadataStore, originals: OriginalsGate, uploadLifetime: Int64) {
        self.keys = keys
        self.metadata = metadata
        self.originals = originals
        self.uploadLifetime = uploadLifetime
    }

    /// The largest `expiresIn`: a token can carry no later date.
    public static func maxLifetime(at now: Timestamp = .now()) -> Int64 { Claims.latestDate - now.seconds }

    /// A token to download an object that the caller may read.
    /// - Parameter rendering: makes it a token for this image of the object, and not for the object itself.
    /// - Throws: `StorageError` with code `.objectNotFound`, also when hidden; `.invalidParameter` for a lifetime out of range;
    ///   `.invalidBucketName` for a bucket with a `/` in its id.
    public func download(
        _ address: ObjectAddress, lifetime: Int64, rendering: SignedRendering? = nil, as caller: Caller
    ) async throws -> String {
        try Self.requireLifetime(lifetime)
        try Self.requireSignable(address.bucket)
        _ = try await metadata.visibleObject(at: address, as: caller)
        // Nobody gives a right that they haven't.
        if rendering == nil { try await originals.require(.policy(caller), toOriginalsOf: address.bucket) }
        return try downloadToken(address, lifetime: lifetime, rendering: rendering)
    }

    /// Tokens for those of `keys` that the caller may read; the others are nil. In the order given.
    public func downloads(_ keys: [String], in bucket: BucketID, lifetime: Int64, as caller: Caller) async throws -> [String?] {
        try Self.requireLifetime(lifetime)
        try Self.requireSignable(bucket)
        let parsed = keys.map { try? ObjectKey($0) }
        let visible = try await metadata.visibleKeys(among: Array(Set(parsed.compactMap(\.self))), in: bucket, as: caller)
        if !visible.isEmpty { try await originals.require(.policy(caller), toOriginalsOf: bucket) }
        return try parsed.map { key in
            guard let key, visible.contains(key) else { return nil }
            return try downloadToken(ObjectAddress(bucket: bucket, key: key), lifetime: lifetime, rendering: nil)
        }
    }

    /// A token to upload one object, for a caller who may. Nothing of the object is left behind.
    /// - Throws: what `MetadataStore.checkPut` throws; `.invalidBucketName` as `download`.
    public func upload(_ address: ObjectAddress, options: UploadOptions, as caller: Caller) async throws -> String {
        try Self.requireSignable(address.bucket)
        let draft = ObjectDraft(
            address: address, ownerID: caller.principal.subject, metadata: options.policyMetadata,
            userMetadata: options.userMetadata)
        try await metadata.checkPut(draft, mode: options.mode, as: caller)
        let now = Timestamp.now()
        return try keys.sign(
            JSONText(
                trusted: JSONWriter.object { writer in
                    if let owner = caller.principal.subject { writer.field("owner", owner) }
                    writer.field("url", address.description)
                    writer.field("upsert", options.mode == .replace)
                    writer.field("scope", SignedGrant.Action.upload.rawValue)
                    writer.field("iat", now.seconds)
                    writer.field("exp", now.seconds + uploadLifetime)
                }))
    }

    /// The grant in a token, for exactly this address and action.
    /// - Throws: `StorageError` with code `.invalidToken` when signature or dates fail, `.wrongTokenScope`, also for a token of an image
    ///   of the object, `.signatureMismatch` for another object's token.
    public func grant(token: String, address: ObjectAddress, action: SignedGrant.Action) throws(StorageError) -> SignedGrant {
        let grant = try verified(token, address, action)
        // Whoever was given a small picture was not given the original.
        guard grant.rendering == nil else {
            throw StorageError(.wrongTokenScope, "Token is not scoped for \(action.rawValue) of the original")
        }
        return grant
    }

    /// The grant in a token, for images of exactly this address: the one it was signed for, or any of them where it is good for
    /// the object itself.
    /// - Throws: as `grant`.
    public func renderingGrant(token: String, address: ObjectAddress) throws(StorageError) -> SignedGrant {
        try verified(token, address, .download)
    }

    private func verified(
        _ token: String, _ address: ObjectAddress, _ action: SignedGrant.Action
    ) throws(StorageError) -> SignedGrant {
        let claims: Claims
        do { claims = try keys.verify(token) } catch { throw StorageError(.invalidToken, error.message, cause: error) }
        guard Self.action(of: claims) == action else {
            throw StorageError(.wrongTokenScope, "Token is not scoped for \(action.rawValue)")
        }
        guard address.isWritten(claims.url) else { throw StorageError(.signatureMismatch, "Invalid signature") }
        return SignedGrant(
            address: address, action: action, owner: claims.owner, replaces: claims.upsert ?? false, expiresAt: claims.expiresAt,
            rendering: claims.rendering)
    }

    /// Tokens from before scopes existed are told apart by the `upsert` claim, which only uploads carry.
    private static func action(of claims: Claims) -> SignedGrant.Action? {
        switch claims.scope {
        case nil: claims.upsert == nil ? .download : .upload
        case let scope?: SignedGrant.Action(rawValue: scope)
        }
    }

    private func downloadToken(_ address: ObjectAddress, lifetime: Int64, rendering: SignedRendering?) throws -> String {
        let now = Timestamp.now()
        return try keys.sign(
            JSONText(
                trusted: JSONWriter.object { writer in
                    writer.field("url", address.description)
                    writer.field("scope", SignedGrant.Action.download.rawValue)
                    if let rendering {
                        writer.field("transformations", rendering.transformations)
                        if let format = rendering.format { writer.field("format", format) }
                    }
                    writer.field("iat", now.seconds)
                    writer.field("exp", now.seconds + lifetime)
                }))
    }

    /// A token names its object as `bucket/key`, which must not be another object's name as well.
    private static func requireSignable(_ bucket: BucketID) throws(StorageError) {
        guard bucket.isOneSegment else {
            throw StorageError(
                .invalidBucketName, "Signed URLs are not possible for buckets with a / in their name", resource: bucket.rawValue)
        }
    }

    private static func requireLifetime(_ seconds: Int64) throws(StorageError) {
        guard (1...maxLifetime()).contains(seconds) else {
            throw StorageError(
                .invalidParameter, "expiresIn must be between 1 and \(maxLifetime()) seconds", resource: "expiresIn")
        }
    }
}
