// SPDX-License-Identifier: Apache-2.0

/// What a copy keeps of its source and what it changes.
public struct CopyOptions: Hashable, Sendable {
    public enum Metadata: Hashable, Sendable {
        /// Both kinds are taken over.
        case keep
        /// What is given replaces, what is nil keeps the source's; the user metadata is replaced in any case.
        case replace(cacheControl: String?, mimetype: String?, userMetadata: JSONText?)
        /// Nothing is taken over but the bytes and what follows from them.
        case overwrite(
            mimetype: String, cacheControl: String?, representation: RepresentationFields, userMetadata: JSONText?)
    }

    public var mode: PutMode
    public var metadata: Metadata
    public var alphabet: KeyAlphabet
    /// Nil: the source's.
    public var tags: TagSet?
    /// What must hold of the destination.
    public var condition: WriteCondition
    /// What must hold of the source.
    public var sourcePreconditions: Preconditions
    /// Nil: the current one.
    public var sourceVersion: VersionID?

    public init(
        mode: PutMode, metadata: Metadata, alphabet: KeyAlphabet, tags: TagSet? = nil, condition: WriteCondition = .none,
        sourcePreconditions: Preconditions = .none, sourceVersion: VersionID? = nil
    ) {
        self.mode = mode
        self.metadata = metadata
        self.alphabet = alphabet
        self.tags = tags
        self.condition = condition
        self.sourcePreconditions = sourcePreconditions
        self.sourceVersion = sourceVersion
    }
}

extension Objects {
    /// Makes `destination` an object with the bytes of `source`, owned by the caller.
    ///
    /// On the managed disk no bytes are copied, and within one store none pass through here. A copy onto itself in mode `.replace` rewrites the metadata.
    /// - Throws: `StorageError` with `.objectNotFound` for the source, `.accessDenied` for an original that has to be signed for, and for the destination what `put` throws, the limits of
    ///   its bucket included; `.preconditionFailed` for a condition of either.
    public func copy(
        from source: ObjectAddress, to destination: ObjectAddress, options: CopyOptions, as caller: Caller
    ) async throws -> ObjectRecord {
        try options.alphabet.require(destination.key)
        var object = try await self.source(source, options.sourceVersion, as: caller)
        while true {
            do {
                return try await copy(object, to: destination, options: options, as: caller)
            } catch let error as StorageError where error.code == .blobMissing {
                // The source was replaced between its row and its bytes: the row now names another version.
                let current = try await self.source(source, options.sourceVersion, as: caller)
                guard current.record.version != object.record.version else { throw error }
                object = current
            }
        }
    }

    /// - Throws: `StorageError` with `.objectNotFound`, for a delete marker too.
    private func source(
        _ address: ObjectAddress, _ version: VersionID?, as caller: Caller
    ) async throws -> ReadableObject {
        let object = try await visibleObject(at: address, version, as: caller)
        try await originals.require(.policy(caller), toOriginalsOf: address.bucket)
        return object
    }

    private func visibleObject(
        at address: ObjectAddress, _ version: VersionID?, as caller: Caller
    ) async throws -> ReadableObject {
        guard let version else { return try await metadata.visibleObject(at: address, as: caller) }
        guard case .object(let object, _) = try await metadata.version(version, at: address, access: .policy(caller)) else {
            throw StorageError.objectNotFound(address)
        }
        return object
    }

    private func copy(
        _ object: ReadableObject, to destination: ObjectAddress, options: CopyOptions, as caller: Caller
    ) async throws -> ObjectRecord {
        try options.sourcePreconditions.checkForCopy(object.record, ObjectMetadata(parsing: object.record.metadata))
        var (details, userMetadata) = Self.copied(object.record, options.metadata)
        if let tags = options.tags { details.tags = tags }
        let draft = ObjectDraft(
            address: destination, ownerID: caller.principal.subject, metadata: details.json, userMetadata: userMetadata,
            condition: options.condition)
        let (trial, bucket) = try await requireCopy(of: object, details, as: draft, mode: options.mode, caller)
        guard let from = object.blob else {
            throw StorageError(.blobMissing, "The resource was not found", resource: object.record.address.key.rawValue)
        }

        let version = ObjectVersion()
        let partChecksums = try await partChecksums(of: object)
        let blob = try await placement.copy(from, to: placement.place(for: version, of: destination, in: bucket))
        let row = NewObject(
            address: destination, version: version, ownerID: caller.principal.subject, metadata: details.json,
            userMetadata: userMetadata, blob: blob, condition: options.condition, origin: .copy, partChecksums: partChecksums,
            trial: trial)
        return try await commit(row, mode: options.mode, facts: caller.facts)
    }

    private static func copied(_ record: ObjectRecord, _ metadata: CopyOptions.Metadata) -> (ObjectMetadata, JSONText?) {
        var details = ObjectMetadata(parsing: record.metadata)
        details.lastModified = .now()
        switch metadata {
        case .keep:
            return (details, record.userMetadata)
        case .replace(let cacheControl, let mimetype, let userMetadata):
            details.cacheControl = cacheControl ?? details.cacheControl
            details.mimetype = mimetype ?? details.mimetype
            return (details, userMetadata)
        case .overwrite(let mimetype, let cacheControl, let representation, let userMetadata):
            details.mimetype = mimetype
            details.cacheControl = cacheControl
            details.representation = representation
            details.xRobotsTag = nil
            return (details, userMetadata)
        }
    }

    private func requireCopy(
        of object: ReadableObject, _ details: ObjectMetadata, as draft: ObjectDraft, mode: PutMode, _ caller: Caller
    ) async throws -> (trial: PutTrial, destination: Bucket) {
        let trial = try await metadata.checkPut(draft, mode: mode, as: caller)
        let bucket = try await rules(ofDestination: draft.address.bucket, facts: caller.facts)
        try await requireAllowed(details, blob: object.blob, at: draft.address.key, in: bucket, facts: caller.facts)
        return (trial, bucket)
    }
}
