// SPDX-License-Identifier: Apache-2.0

/// Bytes behind bytes: TUS and the IETF draft.
extension Uploads {
    /// Puts bytes behind those that the upload has, and makes an object of it when they were the last.
    ///
    /// Whoever was sending to the upload before is asked to stop. What came before an error is kept and counted, whatever
    /// the error; only a `verify` that throws discards it. A caller that is cancelled does not lose what it sent.
    /// - Throws: `StorageError` with `.uploadNotFound`, `.uploadExpired`, `.uploadComplete`, `.uploadOffsetMismatch`, `.tooLarge`,
    ///   `.lengthMismatch`; `.uploadTaken` when another request asked for the upload; `.locked` when the one before did not stop;
    ///   what `Objects.put` throws; the body's own error.
    public func append(_ append: UploadAppend, to id: UploadID, access: Access) async throws -> UploadState {
        try await locks.withLock(.upload(id)) { lease in
            var session = try await session(id)
            guard session.kind != .parts else { throw StorageError.uploadNotFound(id) }
            guard !session.isComplete else { return try repeated(append, of: session, access: access) }
            let trial = try await admit(session, access: access)
            try await objects.quota.requireRoom(for: session.length, in: session.address.bucket, facts: access.facts)
            guard session.offset == append.offset else { throw StorageError.uploadOffsetMismatch(id) }
            let known = session.length
            let limit = try await requireRoom(for: append, in: &session, facts: access.facts)
            session = try await receive(append, in: session, acknowledgedLength: known, limit: limit, lease: lease)
            if append.isLast == true, !session.isWhole { throw Self.cutShort(session) }
            guard append.isLast ?? session.isWhole else { return UploadState(session: session) }
            return try await finish(session, trial: trial, facts: access.facts)
        }
    }

    /// A client that did not hear that the upload is complete may end it again.
    private func repeated(_ append: UploadAppend, of session: UploadSession, access: Access) throws(StorageError) -> UploadState {
        try requireOwner(of: session, access)
        guard session.offset == append.offset else { throw .uploadOffsetMismatch(session.id) }
        guard append.body.length == 0 else { throw .uploadComplete(session.id) }
        return UploadState(session: session)
    }

    /// What can be refused before a byte is read; learns the length.
    /// - Returns: how many bytes may come.
    private func requireRoom(
        for append: UploadAppend, in session: inout UploadSession, facts: RequestFacts
    ) async throws -> Int64 {
        let most = try await maxBytes(of: session, facts: facts)
        if let length = append.length {
            guard session.length == nil || session.length == length, length >= session.offset else {
                throw StorageError(.lengthMismatch, "The length of an upload can't be changed", resource: session.id.rawValue)
            }
            guard length <= most else { throw StorageError.tooLarge() }
            session.length = length
        }
        let limit = min(most, session.length ?? most) - session.offset
        if let announced = append.body.length {
            guard announced <= limit else { throw StorageError.tooLarge("upload's size") }
            if append.isLast == true, let length = session.length, session.offset + announced != length {
                throw Self.cutShort(session)
            }
        }
        return limit
    }

    private static func cutShort(_ session: UploadSession) -> StorageError {
        StorageError(.lengthMismatch, "The upload does not have the length that was announced", resource: session.id.rawValue)
    }

    /// Takes the body in. The work runs to its end even when the caller is cancelled; it ends soon, because its body does.
    private func receive(
        _ append: UploadAppend, in session: UploadSession, acknowledgedLength: Int64?, limit: Int64, lease: UploadLease
    ) async throws -> UploadSession {
        let store = try await blobs.store(for: session.backend)
        let incoming = IncomingBytes(append.body, limit: limit)
        lease.onRequest { incoming.stop(StorageError.uploadTaken) }
        let writer = AppendWriter(
            store: store, metadata: metadata, session: session, acknowledgedLength: acknowledgedLength,
            checkpointBytes: configuration.checkpointBytes, createdAt: now())
        let work = Task {
            var writer = writer
            return try await writer.write(incoming, of: append)
        }
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            incoming.stop(CancellationError())
        }
        if case .failure(let error) = result { incoming.stop(error) }
        await incoming.finished()
        let written = try result.get()
        if let failure = incoming.failure { throw failure }
        return written
    }
}
