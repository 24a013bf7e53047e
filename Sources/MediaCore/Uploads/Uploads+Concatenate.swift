// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import WireFormats

/// Uploads made of others: TUS concatenation, which lets a client send one file over several connections.
extension Uploads {
    /// Makes an object of the bytes of `pieces`, in their order. The pieces stay until they expire.
    /// - Throws: as `begin` and `append`; `.uploadNotFound` for a piece that is none, or is one of another object;
    ///   `.lengthMismatch` for one that is not whole.
    public func concatenate(
        _ pieces: [UploadID], into beginning: UploadBeginning, at address: ObjectAddress, access: Access
    ) async throws -> UploadState {
        var sessions: [UploadSession] = []
        for id in pieces { sessions.append(try await whole(id, at: address, access: access)) }
        var beginning = beginning
        beginning.kind = .appended
        beginning.length = sessions.reduce(0) { $0 + $1.offset }
        let session = try await begin(beginning, at: address, access: access)
        do {
            return try await locks.withLock(.upload(session.id)) { _ in
                let joined = try await join(sessions, into: session)
                return try await commit(joined, trial: try await admit(joined, access: access), facts: access.facts)
            }
        } catch {
            await giveUp(session)
            throw error
        }
    }

    /// A piece with all its bytes, as a blob.
    private func whole(_ id: UploadID, at address: ObjectAddress, access: Access) async throws -> UploadSession {
        try await locks.withLock(.upload(id)) { _ in
            let session = try await session(id)
            guard session.kind == .partial, session.address == address else { throw StorageError.uploadNotFound(id) }
            try await admit(session, access: access)
            guard session.isWhole else {
                throw StorageError(.lengthMismatch, "A piece of the upload is not complete", resource: id.rawValue)
            }
            try await assembleAppended(session)
            await removeParts(of: session)
            return session
        }
    }

    private func join(_ pieces: [UploadSession], into session: UploadSession) async throws -> UploadSession {
        var joined = session
        joined.offset = session.length ?? 0
        joined.digest = Self.digest(of: pieces)
        let store = try await blobs.store(for: session.backend)
        let body = ByteStream(length: joined.offset, chunks: Pieces(sessions: pieces, blobs: blobs))
        _ = try await store.put(body, at: session.id.blobKey)
        try await metadata.advanceUpload(
            UploadProgress(id: session.id, writer: session.writer, from: 0, to: joined.offset, digest: joined.digest))
        return joined
    }

    private static func digest(of pieces: [UploadSession]) -> UploadDigest {
        let pieces = pieces.filter { $0.offset > 0 }
        guard pieces.count > 1 else { return pieces.first?.digest ?? .empty }
        return pieces.reduce(.empty) { digest, piece in
            guard let md5 = ChecksumValue(.md5, hexadecimal: piece.digest.md5),
                let crc = ChecksumValue(.crc64nvme, base64: piece.digest.crc64nvme)
            else { return digest }
            return digest.adding(md5: md5, crc64nvme: crc, byteCount: piece.offset)
        }
    }

    /// Removes an upload that the caller never heard of, unless it is complete after all.
    private func giveUp(_ session: UploadSession) async {
        let metadata = self.metadata
        do {
            // Detached from the caller's cancellation, as the row would stay for long.
            _ = try await Task { try await metadata.deleteUpload(session.id) }.value
            await discardBytes(of: session)
        } catch {
            logger.notice("a failed upload stays until it expires", metadata: ["error": "\(error)"])
        }
    }
}

/// The bytes of several blobs, one after the other, each opened when its turn comes.
private struct Pieces: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error
    let sessions: [UploadSession]
    let blobs: any BlobStoreDirectory

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ArraySlice<UploadSession>
        let blobs: any BlobStoreDirectory
        var current: (any AsyncIteratorProtocol<ByteBuffer, any Error>)?

        mutating func next() async throws -> ByteBuffer? {
            while true {
                if let chunk = try await current?.next(isolation: nil) { return chunk }
                guard let piece = rest.popFirst() else { return nil }
                let content = try await blobs.store(for: piece.backend).get(piece.id.blobKey, range: nil)
                current = Self.iterator(content.stream().chunks)
            }
        }

        private static func iterator(
            _ chunks: some AsyncSequence<ByteBuffer, any Error>
        ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: sessions[...], blobs: blobs, current: nil) }
}
