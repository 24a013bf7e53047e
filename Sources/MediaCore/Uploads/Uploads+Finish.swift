// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore

/// From durable parts to an object.
extension Uploads {
    /// Ends an appended upload whose bytes are all there. A piece of another upload only waits to be used.
    func finish(_ session: UploadSession, trial: PutTrial?, facts: RequestFacts) async throws -> UploadState {
        guard session.kind == .appended else { return UploadState(session: session) }
        try await assembleAppended(session)
        return try await commit(session, trial: trial, facts: facts)
    }

    /// Makes a blob of an appended upload's parts.
    func assembleAppended(_ session: UploadSession) async throws {
        let parts = try await metadata.uploadParts(of: session.id, after: nil, limit: 10_000)
        try await assemble(session, from: parts.map(\.blob))
    }

    /// Makes the blob of parts that are durable, unless an earlier attempt did, which then crashed before the row.
    func assemble(_ session: UploadSession, from parts: [BlobPart]) async throws {
        let store = try await blobs.store(for: session.backend)
        if let info = try await blob(of: session, in: store) {
            try Self.require(info, of: session)
        } else if session.offset == 0, parts.isEmpty {
            _ = try await store.put(ByteStream(ByteBuffer()), at: session.id.blobKey)
        } else {
            let info = try await store.completeMultipart(session.multipart, at: session.id.blobKey, parts: parts)
            try Self.require(info, of: session)
        }
    }

    /// A blob of another size than was acknowledged must never get a row.
    static func require(_ info: BlobInfo, of session: UploadSession) throws(StorageError) {
        guard info.size == session.offset else {
            throw StorageError(
                .internal, "Internal Server Error", resource: "upload \(session.id): \(info.size) of \(session.offset) bytes")
        }
    }

    /// The blob of an upload, if it was made already. A name in its final place always has all its bytes.
    func blob(of session: UploadSession, in store: any BlobStore) async throws -> BlobInfo? {
        do {
            return try await store.info(session.id.blobKey)
        } catch let error as StorageError where error.code == .blobMissing {
            return nil
        }
    }

    /// Writes the row, as a plain upload does, and ends the upload in the same transaction.
    ///
    /// What fails leaves the upload as it is: the request can be made again until the upload is given up or expires.
    /// - Parameters:
    ///   - checksums: of the whole, besides those of the session.
    ///   - parts: those that the object was made of; the checksums that `checksums` names are kept of each of them too.
    ///   - condition: what must hold of the address.
    ///   - trial: of the request that ends the upload. Nil for one with a grant.
    func commit(
        _ session: UploadSession, checksums: [String: String] = [:], parts: [UploadPart]? = nil,
        condition: WriteCondition = .none, trial: PutTrial?, facts: RequestFacts
    ) async throws -> UploadState {
        var details = session.details
        details.eTag = session.eTag
        details.size = session.offset
        details.lastModified = now()
        let isOnePiece = session.kind != .parts && session.digest.pieces <= 1
        let blob = BlobLocation(
            backend: session.backend, key: session.id.blobKey, size: session.offset,
            md5: isOnePiece ? session.digest.md5 : nil,
            checksums: checksums.merging(session.digest.checksums) { given, _ in given },
            parts: parts.map { PartLayout(sizes: $0.map(\.size)) })
        try await objects.quota.requireRoom(for: session.offset, in: session.address.bucket, facts: facts)
        let placed = try await place(blob, of: session, facts: facts)
        let object = NewObject(
            address: session.address, version: session.id.version, ownerID: session.ownerID, metadata: details.json,
            userMetadata: session.userMetadata ?? .emptyObject, blob: placed, condition: condition,
            completing: UploadCompletion(
                id: session.id, writer: session.writer, keptUntil: now().adding(seconds: configuration.lifetime)),
            partChecksums: parts.flatMap { parts in checksums.keys.min().flatMap { PartChecksums($0, of: parts) } },
            trial: trial)
        do {
            let record = try await objects.commit(object, mode: session.mode, facts: facts)
            await removeParts(of: session)
            if placed != blob { await objects.placement.discard(blob) }
            return UploadState(session: try await metadata.upload(session.id), record: record)
        } catch let error as StorageError where [.uploadComplete, .uploadNotFound, .objectExists].contains(error.code) {
            let current = try await metadata.upload(session.id)
            guard current.isComplete else { throw error.code == .uploadNotFound ? StorageError.uploadTaken : error }
            // An earlier attempt whose answer was lost, or another server, which may have ended it with other parts.
            guard current.digest == session.digest else { throw StorageError.uploadNotFound(session.id) }
            await removeParts(of: session)
            return UploadState(session: current)
        }
    }

    /// The blob of a whole upload where its bucket wants it: what comes in several requests is gathered in the server's own store.
    private func place(_ blob: BlobLocation, of session: UploadSession, facts: RequestFacts) async throws -> BlobLocation {
        let bucket = try await objects.cache.bucketRules.rules(of: session.address.bucket, in: metadata, facts: facts)
        guard bucket.ownStorage != nil else { return blob }
        let placement = objects.placement
        return try await placement.copy(
            blob, to: placement.place(for: session.id.version, of: session.address, in: bucket))
    }

    /// Removes the parts of an upload whose blob nobody will make anew. What a crash or a failure leaves, the sweep removes.
    func removeParts(of session: UploadSession) async {
        let (blobs, logger) = (self.blobs, self.logger)
        // Detached from the caller's cancellation, as below.
        await Task {
            do {
                let store = try await blobs.store(for: session.backend)
                try await store.abortMultipart(session.multipart, at: session.id.blobKey)
            } catch {
                logger.notice("parts of a complete upload left to the sweep", metadata: ["error": "\(error)"])
            }
        }.value
    }

    /// Removes what an upload has in its backend, once its rows are gone. What fails is left to the sweep.
    func discardBytes(of session: UploadSession) async {
        let (blobs, logger) = (self.blobs, self.logger)
        // Detached from the caller's cancellation: nobody else would do it soon. Bounded by the store.
        await Task {
            do {
                try await blobs.discardBytes(of: session)
            } catch {
                logger.warning("bytes of an upload that ended left to the sweep", metadata: ["error": "\(error)"])
            }
        }.value
    }
}

extension BlobStoreDirectory {
    /// Removes the parts of an upload, and the blob that was made of them. Not to be called while an object may name it.
    func discardBytes(of session: UploadSession) async throws {
        let store = try await store(for: session.backend)
        try await store.abortMultipart(session.multipart, at: session.id.blobKey)
        try await store.delete([session.id.blobKey])
    }
}
