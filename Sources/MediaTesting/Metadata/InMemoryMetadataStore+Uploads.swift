// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func createUpload(_ session: UploadSession) async throws {
        try state.withLock { state in
            guard state.buckets[session.address.bucket] != nil else { throw StorageError.bucketNotFound(session.address.bucket) }
            state.uploads[session.id] = StoredUpload(session: session)
        }
    }

    public func upload(_ id: UploadID) async throws -> UploadSession { try state.withLock { try $0.upload(id) } }

    public func claimUpload(_ id: UploadID, at offset: Int64) async throws -> UploadSession {
        try state.withLock { state in
            var session = try state.pendingUpload(id)
            guard session.offset == offset else { throw StorageError.uploadOffsetMismatch(id) }
            session.writer += 1
            state.uploads[id]?.session = session
            return session
        }
    }

    public func advanceUpload(_ progress: UploadProgress) async throws {
        try state.withLock { state in
            var session = try state.pendingUpload(progress.id)
            guard session.offset == progress.from, session.writer == progress.writer else {
                throw StorageError.uploadOffsetMismatch(progress.id)
            }
            session.offset = progress.to
            session.digest = progress.digest
            session.length = progress.length ?? session.length
            state.uploads[progress.id]?.session = session
            if let part = progress.part { state.uploads[progress.id]?.parts[part.number] = part }
        }
    }

    public func recordPart(_ part: UploadPart, of id: UploadID) async throws {
        try state.withLock { state in
            _ = try state.pendingUpload(id)
            state.uploads[id]?.parts[part.number] = part
        }
    }

    public func uploadParts(of id: UploadID, after number: PartNumber?, limit: Int) async throws -> [UploadPart] {
        state.withLock { state in
            let parts = state.uploads[id].map { Array($0.parts.values) } ?? []
            let following = parts.filter { part in number.map { $0 < part.number } ?? true }
            return Array(following.sorted { $0.number < $1.number }.prefix(max(0, limit)))
        }
    }

    public func uploads(matching query: UploadQuery, now: Timestamp) async throws -> [UploadSession] {
        state.withLock { state in
            let matching = state.uploads.values.map(\.session).filter { session in
                session.address.bucket == query.bucket && session.kind == query.kind && !session.isComplete
                    && !session.isExpired(at: now) && session.address.key.rawValue.utf8.starts(with: query.prefix.utf8)
                    && Self.follows(session, query) && Self.isOwned(session, query.owner)
            }
            return Array(matching.sorted(by: Self.precedes).prefix(max(0, query.limit)))
        }
    }

    public func deleteUpload(_ id: UploadID) async throws -> UploadSession {
        try state.withLock { state in
            let session = try state.pendingUpload(id)
            state.uploads[id] = nil
            return session
        }
    }

    public func deleteUploads(_ ids: [UploadID]) async throws -> [UploadSession] {
        state.withLock { state in
            let sessions = Set(ids).compactMap { state.uploads[$0]?.session }.filter { !$0.isComplete }
            for session in sessions { state.uploads[session.id] = nil }
            return sessions
        }
    }

    public func bucketsWithUploads(_ kind: UploadSession.Kind, startedBefore date: Timestamp) async throws -> [BucketID] {
        state.withLock { state in
            let sessions = state.uploads.values.map(\.session).filter { session in
                session.kind == kind && !session.isComplete && session.createdAt < date
            }
            return Set(sessions.map(\.address.bucket)).sorted { ListingOrder.precedes($0.rawValue, $1.rawValue) }
        }
    }

    public func takeExpiredUploads(now: Timestamp, limit: Int) async throws -> [UploadSession] {
        state.withLock { state in
            let expired = state.uploads.values.map(\.session).filter { $0.isExpired(at: now) }.prefix(max(0, limit))
            for session in expired { state.uploads[session.id] = nil }
            return Array(expired)
        }
    }

    public func unknownMultiparts(among ids: [MultipartID], in backend: BackendID) async throws -> [MultipartID] {
        state.withLock { state in
            let known = Set(
                state.uploads.values.map(\.session).filter { !$0.isComplete && $0.backend == backend }.map(\.multipart))
            return ids.filter { !known.contains($0) }
        }
    }

    private static func follows(_ session: UploadSession, _ query: UploadQuery) -> Bool {
        guard let marker = query.keyMarker else { return true }
        let (key, id) = (session.address.key.rawValue.utf8, session.id.rawValue.utf8)
        if marker.utf8.lexicographicallyPrecedes(key) { return true }
        guard let idMarker = query.idMarker, key.elementsEqual(marker.utf8) else { return false }
        return idMarker.rawValue.utf8.lexicographicallyPrecedes(id)
    }

    private static func isOwned(_ session: UploadSession, _ owner: UploadQuery.Owner) -> Bool {
        switch owner {
        case .anyone: true
        case .subject(let subject): session.ownerID == subject
        }
    }

    private static func precedes(_ a: UploadSession, _ b: UploadSession) -> Bool {
        a.address.key == b.address.key
            ? ListingOrder.precedes(a.id.rawValue, b.id.rawValue) : a.address.key < b.address.key
    }
}

extension InMemoryMetadataStore.State {
    func upload(_ id: UploadID) throws(StorageError) -> UploadSession {
        guard let session = uploads[id]?.session else { throw .uploadNotFound(id) }
        return session
    }

    func pendingUpload(_ id: UploadID) throws(StorageError) -> UploadSession {
        let session = try upload(id)
        guard !session.isComplete else { throw .uploadComplete(id) }
        return session
    }
}
