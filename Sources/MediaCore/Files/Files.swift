// SPDX-License-Identifier: Apache-2.0

/// Files of apps: uploaded to keys that were given out for them, registered with what is known of them, and seen by whom their visibility
/// lets see them.
///
/// A file is an object of its project's bucket with a row beside it. Whoever may do something to a file may do it to its object in every
/// dialect, and whoever may not, in none: row-level security decides.
public struct Files: Sendable {
    /// What files may weigh and hold.
    public struct Limits: Sendable {
        /// Of what has `image/` types, in bytes; of video and audio; of documents as offices write them; of everything else.
        public var imageBytes: Int64
        public var mediaBytes: Int64
        public var documentBytes: Int64
        public var otherBytes: Int64
        /// Of a file that comes in parts, whatever its type, in bytes.
        public var partsBytes: Int64
        public var leastBytes: Int64
        /// Of every part but the last, in bytes.
        public var leastPartBytes: Int64
        /// In lower case: types, or with a `*` at the end all that begin so.
        public var refusedTypes: [String]
        /// Whether the bytes of pictures and videos must be some of those.
        public var checksTypes: Bool
        /// As JSON, in bytes.
        public var metadataBytes: Int
        /// With how many a file may be shared.
        public var shares: Int

        public init(
            imageBytes: Int64 = 10 << 20, mediaBytes: Int64 = 100 << 20, documentBytes: Int64 = 20 << 20,
            otherBytes: Int64 = 50 << 20, partsBytes: Int64 = 5 << 30, leastBytes: Int64 = 1, leastPartBytes: Int64 = 5 << 20,
            refusedTypes: [String] = [], checksTypes: Bool = true, metadataBytes: Int = 16 << 10, shares: Int = 100
        ) {
            self.imageBytes = imageBytes
            self.mediaBytes = mediaBytes
            self.documentBytes = documentBytes
            self.otherBytes = otherBytes
            self.partsBytes = partsBytes
            self.leastBytes = leastBytes
            self.leastPartBytes = leastPartBytes
            self.refusedTypes = refusedTypes
            self.checksTypes = checksTypes
            self.metadataBytes = metadataBytes
            self.shares = shares
        }
    }

    public struct Configuration: Sendable {
        public var limits: Limits
        /// For how long a URL to upload to is good, in seconds.
        public var uploadLifetime: Int64
        /// For how long a URL to download from is good, in seconds.
        public var downloadLifetime: Int64
        /// After how many seconds what was uploaded and never registered is removed. Not before the URLs expire.
        public var unregisteredLifetime: Int64

        public init(
            limits: Limits = Limits(), uploadLifetime: Int64 = 900, downloadLifetime: Int64 = 3600,
            unregisteredLifetime: Int64 = 86_400
        ) {
            self.limits = limits
            self.uploadLifetime = uploadLifetime
            self.downloadLifetime = downloadLifetime
            self.unregisteredLifetime = max(unregisteredLifetime, uploadLifetime)
        }
    }

    let metadata: any MetadataStore
    let objects: Objects
    let uploads: Uploads
    let projects: Projects
    let signedURLs: SignedURLs
    let tokens: FileUploadTokens
    let configuration: Configuration
    let anonymousRole: String
    let serviceRole: String
    let now: @Sendable () -> Timestamp

    var rules: FileRules { FileRules(limits: configuration.limits) }

    // MARK: Reading

    /// A file, as much of it as the caller may see.
    /// - Throws: `StorageError` with `.objectNotFound` where there is none in the project; `.accessDenied` for one that the caller must not
    ///   see.
    public func file(_ id: FileID, in project: BucketID, as caller: Caller) async throws -> FileView {
        view(try await metadata.file(id, in: project, as: caller), caller)
    }

    /// A page of those files that the caller may see.
    public func list(_ query: FileQuery, in project: BucketID, as caller: Caller) async throws -> FilePage {
        let found = try await metadata.files(matching: query, in: project, as: caller)
        return FilePage(
            files: found.files.map { view($0, caller) }, total: found.total, page: query.page, limit: query.limit,
            hasNextPage: found.hasMore)
    }

    /// How to fetch a file's bytes: who may see a file may.
    /// - Parameter lifetime: of the URL, in seconds. Nil: as configured.
    /// - Throws: as `file`.
    public func download(
        _ id: FileID, lifetime: Int64? = nil, in project: BucketID, as caller: Caller
    ) async throws -> FileDownload {
        let file = try await metadata.file(id, in: project, as: caller)
        guard file.visibility != .public else { return FileDownload(file: view(file, caller), address: file.address) }
        let lifetime = lifetime ?? configuration.downloadLifetime
        let token = try await signedURLs.download(file.address, lifetime: lifetime, as: caller)
        return FileDownload(
            file: view(file, caller), address: file.address, token: token, expiresAt: now().adding(seconds: lifetime))
    }

    /// What the project's files add up to; for users, what their own do.
    /// - Throws: `StorageError` with `.accessDenied` for who is nobody.
    public func statistics(of project: BucketID, as caller: Caller) async throws -> FileStatistics {
        try requireSomebody(caller)
        return try await metadata.fileStatistics(of: project, as: caller)
    }

    // MARK: Changing

    /// Changes what is known of a file. Who may see it is so in every dialect when this returns.
    /// - Throws: as `file`, also `.accessDenied` for who may only see it; `.invalidParameter` with a `FileFault`.
    public func update(_ id: FileID, _ patch: FilePatch, in project: BucketID, as caller: Caller) async throws -> FileView {
        let rules = self.rules
        if let name = patch.originalName { try rules.requireName(name, field: "originalName") }
        if let subjects = patch.sharedWith { try rules.requireShares(subjects) }
        let changed = try await runToEnd { [metadata] in
            try await metadata.updateFile(id, patch: patch, in: project, as: caller) { try rules.requireMetadata($0.metadata) }
        }
        objects.cache.invalidate(changed.address)
        return view(changed, caller)
    }

    /// Deletes a file with its bytes. - Throws: as `update`.
    public func delete(_ id: FileID, in project: BucketID, as caller: Caller) async throws {
        let file = try await metadata.file(id, in: project, as: caller)
        do {
            try await objects.delete(file.address, as: caller)
        } catch let error as StorageError where error.code == .objectNotFound {
            throw StorageError.fileNotFound(id)
        }
    }

    /// With whom a file is shared. Only who may change it learns that. - Throws: as `update`.
    public func shares(of id: FileID, in project: BucketID, as caller: Caller) async throws -> [String] {
        let view = try await file(id, in: project, as: caller)
        guard let subjects = view.sharedWith else { throw Self.notTheirs(id) }
        return subjects
    }

    /// Shares a file with more. - Returns: all it is shared with. - Throws: as `update`.
    public func share(_ id: FileID, with subjects: [String], in project: BucketID, as caller: Caller) async throws -> [String] {
        try rules.requireShares(subjects)
        return try await changeShares(of: id, adding: subjects, removing: [], in: project, as: caller)
    }

    /// Shares a file with somebody no longer. - Returns: all it is shared with. - Throws: as `update`.
    public func unshare(_ id: FileID, with subject: String, in project: BucketID, as caller: Caller) async throws -> [String] {
        try await changeShares(of: id, adding: [], removing: [subject], in: project, as: caller)
    }

    private func changeShares(
        of id: FileID, adding: [String], removing: [String], in project: BucketID, as caller: Caller
    ) async throws -> [String] {
        let most = configuration.limits.shares
        return try await runToEnd { [metadata] in
            try await metadata.changeShares(
                of: id, adding: adding, removing: removing, most: most, in: project, as: caller)
        }
    }

    // MARK: Upkeep

    /// Removes what was uploaded to keys that nobody registered in time. - Returns: how many keys.
    public func sweep() async throws -> Int {
        let date = now().adding(seconds: -configuration.unregisteredLifetime)
        var swept = 0
        while true {
            let tickets = try await metadata.unregisteredTickets(issuedBefore: date, limit: Self.sweepBatch)
            var dropped = 0
            for ticket in tickets {
                try Task.checkCancellation()
                if try await drop(ticket) { dropped += 1 }
            }
            swept += dropped
            // Where none could be dropped others are at it.
            guard tickets.count == Self.sweepBatch, dropped > 0 else { break }
        }
        _ = try await metadata.forgetTickets(issuedBefore: date)
        return swept
    }

    private static let sweepBatch = 100

    /// The ticket goes with the object; parts and reserved keys are removed by themselves, too, when that fails.
    func drop(_ ticket: FileTicket) async throws -> Bool {
        guard try await runToEnd({ [metadata] in try await metadata.dropTicket(ticket.id) }) else { return false }
        objects.forget([ticket.address])
        if let upload = ticket.upload {
            for session in try await metadata.deleteUploads([upload]) { await uploads.discardBytes(of: session) }
        }
        if let direct = ticket.direct { await objects.placement.discard(.init(backend: direct.backend, key: direct.key)) }
        return true
    }

    // MARK: Who

    func view(_ file: FileRecord, _ caller: Caller) -> FileView {
        FileView(file, for: caller.principal, serviceRole: serviceRole)
    }

    /// Who has no token and no key is nobody, and owns nothing.
    func requireSomebody(_ caller: Caller) throws(StorageError) {
        let principal = caller.principal
        let isSomebody =
            principal.role == serviceRole || principal.scope != nil || principal.role != anonymousRole && principal.subject != nil
        guard isSomebody, principal.subject?.utf8.count ?? 0 <= FileRules.longestSubject else {
            throw StorageError(.accessDenied, "This takes a user or a secret key")
        }
    }

    static func notTheirs(_ id: FileID) -> StorageError {
        StorageError(.accessDenied, "Only the owner may change this file", resource: id.rawValue)
    }
}
