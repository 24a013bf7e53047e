// SPDX-License-Identifier: Apache-2.0

/// Writes the bytes of one append into the parts of its upload.
struct AppendWriter: Sendable {
    private let store: any BlobStore
    private let metadata: any MetadataStore
    /// As it was when the append began, but for its length.
    private let began: UploadSession
    private let checkpointBytes: Int64
    private let createdAt: Timestamp
    private var session: UploadSession
    private var acknowledgedLength: Int64?
    private var part: BlobPart?

    /// - Parameters:
    ///   - session: its `length` may be news.
    ///   - acknowledgedLength: the length that the database knows.
    init(
        store: any BlobStore, metadata: any MetadataStore, session: UploadSession, acknowledgedLength: Int64?,
        checkpointBytes: Int64, createdAt: Timestamp
    ) {
        self.store = store
        self.metadata = metadata
        self.session = session
        self.began = session
        self.acknowledgedLength = acknowledgedLength
        self.checkpointBytes = checkpointBytes
        self.createdAt = createdAt
    }

    /// Writes all that comes. Bytes that are verified as a whole are acknowledged as a whole, others now and then.
    /// - Returns: the upload as the database knows it now.
    mutating func write(_ incoming: IncomingBytes, of append: UploadAppend) async throws -> UploadSession {
        try await findLastPart()
        if let verify = append.verify {
            if await incoming.hasMore() { try await write(incoming, upTo: .max) }
            // What was cut short can't be verified, and its sender will send it again.
            if let failure = incoming.failure { throw failure }
            try verify()
            try await acknowledge(incoming)
        } else {
            while await incoming.hasMore() {
                let room = store.preferredPartBytes.map { max(1, $0 - (part?.size ?? 0) % $0) } ?? .max
                try await write(incoming, upTo: min(checkpointBytes, room))
                try await acknowledge(incoming)
            }
        }
        if append.isLast == true, incoming.failure == nil, session.length == nil { session.length = session.offset }
        if session.length != acknowledgedLength { try await advance(to: session.offset, digest: session.digest, part: nil) }
        return session
    }

    private mutating func findLastPart() async throws {
        guard session.offset > 0 else { return }
        part = try await metadata.uploadParts(of: session.id, after: nil, limit: 10_000).last?.blob
        guard part != nil else {
            throw StorageError(.internal, "Internal Server Error", resource: "upload \(session.id) has bytes and no part")
        }
    }

    /// Makes up to `most` further bytes durable. They do not count before they are acknowledged.
    private mutating func write(_ incoming: IncomingBytes, upTo most: Int64) async throws {
        let target = try growingPart()
        let segment = incoming.segment(upTo: most)
        let (id, key) = (session.multipart, session.id.blobKey)
        do {
            part = try await store.appendPart(segment, to: target, takingOver: false, of: id, at: key)
        } catch let error as StorageError where error.code == .preconditionFailed {
            // Somebody wrote what was not acknowledged: before a crash, or on another server, whose acknowledgement the
            // database refuses from now on.
            session.writer = try await metadata.claimUpload(session.id, at: session.offset).writer
            part = try await store.appendPart(segment, to: target, takingOver: true, of: id, at: key)
        }
    }

    /// The part to put bytes behind: the last one, or a new one when that is as large as the store likes them.
    private func growingPart() throws(StorageError) -> BlobPart {
        guard let part else { return BlobPart(number: try PartNumber(1), size: 0, tag: "") }
        guard let preferred = store.preferredPartBytes, part.size >= preferred else { return part }
        return BlobPart(number: try PartNumber(part.number.rawValue + 1), size: 0, tag: "")
    }

    private mutating func acknowledge(_ incoming: IncomingBytes) async throws {
        let sum = incoming.sum
        guard began.offset + sum.byteCount > session.offset else { return }
        let digest = began.digest.adding(md5: sum.md5, crc64nvme: sum.crc64nvme, byteCount: sum.byteCount)
        try await advance(to: began.offset + sum.byteCount, digest: digest, part: part)
    }

    private mutating func advance(to offset: Int64, digest: UploadDigest, part: BlobPart?) async throws {
        try await metadata.advanceUpload(
            UploadProgress(
                id: session.id, writer: session.writer, from: session.offset, to: offset, digest: digest,
                part: part.map { UploadPart(blob: $0, createdAt: createdAt) }, length: session.length))
        session.offset = offset
        session.digest = digest
        acknowledgedLength = session.length
    }
}
