// SPDX-License-Identifier: Apache-2.0

/// What lifecycle rules give up, and what nobody completed for too long.
extension Uploads: IncompleteUploads {
    private static let batch = 500

    /// Gives up uploads in parts. One that somebody is working on meanwhile is left alone.
    public func giveUp(_ uploads: IncompleteUploadQuery) async throws -> Int {
        var query = UploadQuery(bucket: uploads.bucket, kind: .parts, prefix: uploads.prefix, limit: Self.batch)
        var count = 0
        while true {
            let page = try await metadata.uploads(matching: query, now: now())
            count += try await giveUp(page.filter(uploads.includes))
            try Task.checkCancellation()
            guard page.count == Self.batch, let last = page.last else { return count }
            query.keyMarker = last.address.key.rawValue
            query.idMarker = last.id
        }
    }

    /// Rows first: bytes without a row are found by the sweep, and a row without bytes by nobody.
    private func giveUp(_ sessions: [UploadSession]) async throws -> Int {
        guard !sessions.isEmpty else { return 0 }
        var turns: [UploadTurn] = []
        defer { for turn in turns { turn.end() } }
        var free: [UploadID] = []
        for session in sessions {
            let turn = UploadTurn(locks, .upload(session.id))
            guard turn.takeIfFree() else { continue }
            turns.append(turn)
            free.append(session.id)
        }
        let (metadata, ids) = (self.metadata, free)
        let deleted = try await runToEnd { try await metadata.deleteUploads(ids) }
        for session in deleted { await discardBytes(of: session) }
        return deleted.count
    }
}
