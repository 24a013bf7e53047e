// SPDX-License-Identifier: Apache-2.0

/// Bytes that lie in a project's own store, to become an object of it.
struct ImportedBytes: Sendable {
    var location: BlobLocation
    var mediaType: String
    /// Whether they belong to the object from then on. Otherwise it gets a copy.
    var isInPlace: Bool
}

extension Objects {
    /// A new object of bytes in a project's own store, to be committed: by the rules that hold for uploads.
    /// - Throws: `StorageError` with `.objectExists`, `.accessDenied`, `.mediaTypeNotAllowed`, `.tooLarge`, `.quotaExceeded`,
    ///   `.relatedResourceMissing`; what `BlobStore.copy` throws.
    func newObject(of bytes: ImportedBytes, at address: ObjectAddress, as caller: Caller) async throws -> NewObject {
        let details = ObjectMetadata(
            size: bytes.location.size, mimetype: bytes.mediaType, cacheControl: "max-age=3600", lastModified: .now())
        let draft = ObjectDraft(
            address: address, ownerID: caller.principal.subject, metadata: details.json, userMetadata: .emptyObject)
        let trial = try await metadata.checkPut(draft, mode: .create, as: caller)
        let bucket = try await rules(ofDestination: address.bucket, facts: caller.facts)
        try await requireAllowed(details, blob: bytes.location, at: address.key, in: bucket, facts: caller.facts)
        let version = ObjectVersion()
        var blob = bytes.location
        if !bytes.isInPlace {
            blob = try await placement.copy(blob, to: placement.place(for: version, of: address, in: bucket))
        }
        return NewObject(
            address: address, version: version, ownerID: caller.principal.subject, metadata: details.json,
            userMetadata: .emptyObject, blob: blob, isAdopted: bytes.isInPlace, trial: trial)
    }
}
