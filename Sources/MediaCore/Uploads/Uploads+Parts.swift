// SPDX-License-Identifier: Apache-2.0

import WireFormats

/// Numbered parts in any order: S3.
extension Uploads {
    /// Writes a part, or writes it anew. A part that was there stays until the new one is durable.
    ///
    /// Of requests that send the same part at once, the one whose last byte comes last wins.
    /// - Throws: `StorageError` with `.uploadNotFound`, also once the upload is complete; `.uploadExpired`, `.tooLarge`,
    ///   `.lengthMismatch`, `.locked`; what `Objects.put` throws; the body's own errors and those of `checksums`.
    public func putPart(
        _ upload: PartUpload, as number: PartNumber, of id: UploadID, access: Access
    ) async throws -> UploadPart {
        let session = try await partsSession(id)
        guard !session.isComplete else { throw StorageError.uploadNotFound(id) }
        try await admit(session, access: access)
        try await objects.quota.requireRoom(for: upload.body.length, in: session.address.bucket, facts: access.facts)
        let limit = try await maxBytes(of: session, facts: access.facts)
        guard upload.body.length ?? 0 <= limit else { throw StorageError.tooLarge() }
        let store = try await blobs.store(for: session.backend)

        let incoming = IncomingBytes(upload.body, limit: limit)
        let sent = SentChecksums(upload.checksums)
        // Taken once the body is whole: what the store then does with the part and what the row says of it must not be mixed with
        // another request's, and a request that hangs keeps nobody waiting.
        let turn = UploadTurn(locks, .part(id, number))
        defer { turn.end() }
        do {
            let body = incoming.whole(length: upload.body.length) {
                try sent.ask()
                try await turn.take()
            }
            let blob = try await store.putPart(body, as: number, of: session.multipart, at: session.id.blobKey)
            await incoming.finished()
            return try await record(blob, incoming, sent, of: id)
        } catch {
            incoming.stop(error)
            await incoming.finished()
            throw error
        }
    }

    /// The parts that are there, in the order of their numbers. An upload that is complete has none.
    /// - Throws: as `putPart`, for all that does not concern bytes.
    public func parts(of id: UploadID, after number: PartNumber?, limit: Int, access: Access) async throws -> [UploadPart] {
        let session = try await partsSession(id)
        guard !session.isComplete else { throw StorageError.uploadNotFound(id) }
        try await admit(session, access: access)
        return try await metadata.uploadParts(of: id, after: number, limit: limit)
    }

    /// Makes the object of the parts named. Naming them again once it is complete gives the same answer, without the record.
    ///
    /// It goes on when the caller is cancelled, and whoever asks meanwhile waits until it is over: a client that loses patience
    /// with a large object and asks again must not find that everything begins anew, again and again.
    /// - Throws: `StorageError` with `.uploadNotFound`, `.uploadExpired`; `.invalidPartOrder` unless the numbers ascend;
    ///   `.invalidPart` for one that is not there or is another; `.partTooSmall`; `.tooLarge`; what `Objects.put` throws
    ///   when it commits.
    public func complete(_ completion: PartsCompletion, of id: UploadID, access: Access) async throws -> UploadState {
        let turn = UploadTurn(locks, .upload(id), isPatient: true)
        try await turn.take()
        return try await runOn {
            defer { turn.end() }
            return try await completeNow(completion, of: id, access: access)
        }
    }

    private func completeNow(_ completion: PartsCompletion, of id: UploadID, access: Access) async throws -> UploadState {
        let session = try await partsSession(id)
        try requireOwner(of: session, access)
        // A condition that fails already costs no parts: the upload can go on.
        let trial =
            session.isComplete ? nil : try await admit(session, condition: completion.condition, access: access)
        let chosen = try choose(completion, from: try await metadata.uploadParts(of: id, after: nil, limit: 10_000))
        guard let digest = UploadDigest.joining(chosen) else { throw Self.invalidPart(nil) }
        let size = chosen.reduce(0) { $0 + $1.size }
        if session.isComplete {
            guard session.digest == digest, session.offset == size else { throw StorageError.uploadNotFound(id) }
            return UploadState(session: session)
        }
        guard size <= (try await maxBytes(of: session, facts: access.facts)) else { throw StorageError.tooLarge() }
        try await objects.quota.requireRoom(for: size, in: session.address.bucket, facts: access.facts)
        let checksums = try completion.checksums?(chosen) ?? [:]
        let sealed = try await seal(session, digest: digest, size: size)
        try await join(chosen.map(\.blob), of: sealed)
        return try await commit(
            sealed, checksums: checksums, parts: chosen, condition: completion.condition,
            trial: trial, facts: access.facts)
    }

    private func partsSession(_ id: UploadID) async throws -> UploadSession {
        let session = try await session(id)
        guard session.kind == .parts else { throw StorageError.uploadNotFound(id) }
        return session
    }

    private func record(
        _ blob: BlobPart, _ incoming: IncomingBytes, _ sent: SentChecksums, of id: UploadID
    ) async throws -> UploadPart {
        let sum = incoming.sum
        var checksums = sent.values
        checksums[ChecksumAlgorithm.crc64nvme.name] = sum.crc64nvme.base64
        let part = UploadPart(blob: blob, md5: sum.md5.hexadecimal, checksums: checksums, createdAt: now())
        let metadata = self.metadata
        // Runs to its end: the part that the row tells of is gone already.
        try await Task { try await metadata.recordPart(part, of: id) }.value
        return part
    }

    private func choose(_ completion: PartsCompletion, from parts: [UploadPart]) throws(StorageError) -> [UploadPart] {
        guard !completion.parts.isEmpty else { throw Self.invalidPart(nil) }
        let byNumber = Dictionary(parts.map { ($0.number, $0) }) { first, _ in first }
        var chosen: [UploadPart] = []
        for named in completion.parts {
            if let last = chosen.last, named.number <= last.number {
                throw StorageError(.invalidPartOrder, "The list of parts was not in ascending order")
            }
            guard let part = byNumber[named.number], part.md5 == named.eTag.lowercased() else {
                throw Self.invalidPart(named.number)
            }
            chosen.append(part)
        }
        guard chosen.dropLast().allSatisfy({ $0.size >= completion.leastPartBytes }) else {
            throw StorageError(.partTooSmall, "A part is smaller than \(completion.leastPartBytes) bytes")
        }
        return chosen
    }

    /// Writes down of which parts the object is being made, for those who ask again when it is.
    ///
    /// A blob that is there has no row: the attempt that made it failed behind it, of whatever parts it was, and all parts are still
    /// there. That attempt may also be under way on another server. So it first loses the right to write its row, then its blob.
    private func seal(_ session: UploadSession, digest: UploadDigest, size: Int64) async throws -> UploadSession {
        var sealed = session
        sealed.digest = digest
        sealed.offset = size
        let store = try await blobs.store(for: session.backend)
        if try await blob(of: session, in: store) != nil {
            sealed.writer = try await metadata.claimUpload(session.id, at: session.offset).writer
            try await store.delete([session.id.blobKey])
        }
        try await metadata.advanceUpload(
            UploadProgress(id: session.id, writer: sealed.writer, from: session.offset, to: size, digest: digest))
        return sealed
    }

    /// Makes the blob. One that came meanwhile is another attempt's and is not taken for this one's: the store refuses.
    private func join(_ parts: [BlobPart], of session: UploadSession) async throws {
        let store = try await blobs.store(for: session.backend)
        let info = try await store.completeMultipart(session.multipart, at: session.id.blobKey, parts: parts)
        try Self.require(info, of: session)
    }

    private static func invalidPart(_ number: PartNumber?) -> StorageError {
        StorageError(
            .invalidPart, "A part could not be found, or is not the one that was named",
            resource: number.map { String($0.rawValue) })
    }
}
