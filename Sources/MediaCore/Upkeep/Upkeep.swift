// SPDX-License-Identifier: Apache-2.0

public import Logging
import Metrics

/// Removes bytes that nothing points to any more: superseded and deleted versions soon after the transaction that made
/// them unreachable, what crashed uploads left behind after a while.
///
/// Everything here is idempotent: it can be stopped at any point, run twice, or run by several servers at once.
public struct Upkeep: Sendable {
    /// How often it looks without being asked, and how old something must be before it counts as abandoned.
    public struct Schedule: Sendable {
        public var deletionInterval: Duration
        public var expiryInterval: Duration
        public var sweepInterval: Duration
        /// In seconds. Longer than any upload may pause between its bytes and its row.
        public var orphanAge: Int64
        /// In seconds. Longer than any upload to a project's own store may take: its key is reserved before the first byte.
        public var reservationAge: Int64

        public init(
            deletionInterval: Duration = .seconds(30), expiryInterval: Duration = .seconds(60),
            sweepInterval: Duration = .seconds(6 * 3600), orphanAge: Int64 = 3600, reservationAge: Int64 = 86_400
        ) {
            self.deletionInterval = deletionInterval
            self.expiryInterval = expiryInterval
            self.sweepInterval = sweepInterval
            self.orphanAge = orphanAge
            self.reservationAge = max(orphanAge, reservationAge)
        }
    }

    private let metadata: any MetadataStore
    private let blobs: any BlobStoreDirectory
    private let files: Files?
    private let deletions: BlobDeletions
    private let signal: WakeSignal
    private let schedule: Schedule
    private let logger: Logger
    private let expired = Counter(label: "magpie_upkeep_uploads_expired_total")
    private let orphans = Counter(label: "magpie_upkeep_orphans_total")

    /// - Parameters:
    ///   - variants: what was made of blobs goes with them.
    ///   - files: whose keys end that nobody registers. Nil: none.
    public init(
        metadata: any MetadataStore, blobs: any BlobStoreDirectory, variants: (any VariantStore)? = nil, files: Files? = nil,
        signal: WakeSignal, schedule: Schedule = Schedule(), logger: Logger
    ) {
        self.metadata = metadata
        self.blobs = blobs
        self.deletions = BlobDeletions(metadata: metadata, blobs: blobs, variants: variants, logger: logger)
        self.files = files
        self.signal = signal
        self.schedule = schedule
        self.logger = logger
    }

    /// Works until cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await deletions.whenAsked(by: signal) }
            group.addTask { await work.every(schedule.deletionInterval) { signal.signal() } }
            group.addTask {
                await work.every(schedule.expiryInterval) { await work.attempt("expiry") { try await removeExpiredUploads() } }
            }
            if let files {
                group.addTask {
                    await work.every(schedule.expiryInterval) { await work.attempt("files") { _ = try await files.sweep() } }
                }
            }
            group.addTask {
                await work.every(schedule.sweepInterval) { await work.attempt("sweep") { _ = try await sweep() } }
            }
        }
    }

    /// Removes the blobs whose deletion is due. - Returns: how many went.
    @discardableResult
    public func removeDeletedBlobs() async throws -> Int { try await deletions.remove() }

    /// Removes temporary files, parts of no upload, blobs without a row and blob rows without an object that are older than `orphanAge` seconds.
    /// - Returns: how many of them there were.
    @discardableResult
    public func sweep(now: Timestamp = .now()) async throws -> Int {
        let date = now.adding(seconds: -schedule.orphanAge)
        let backend = blobs.defaultBackend
        let store = try await blobs.store(for: backend)
        var found = try await store.sweepUnfinished(before: date)
        found += try await AbandonedParts(metadata: metadata, blobs: blobs).remove(before: date)
        found += try await metadata.queueUnreferencedBlobs(olderThan: date)
        // In stores of projects' own nothing is looked for: what may be there has a reservation.
        found += try await metadata.giveUpBlobs(reservedBefore: now.adding(seconds: -schedule.reservationAge))
        _ = try await metadata.removeUnusedBackends(before: now.adding(seconds: -schedule.reservationAge))
        var cursor: String?
        repeat {
            let page = try await store.list(prefix: "", after: cursor, limit: BlobDeletions.batch)
            let old = page.blobs.filter { $0.modifiedAt < date }.map(\.key)
            let unknown = old.isEmpty ? [] : try await metadata.unknownBlobs(among: old, in: backend)
            try await store.delete(unknown)
            found += unknown.count
            cursor = page.cursor
            try Task.checkCancellation()
        } while cursor != nil
        if found > 0 {
            orphans.increment(by: Int64(found))
            logger.info("removed what unfinished uploads left", metadata: ["count": "\(found)"])
            signal.signal()
        }
        return found
    }

    /// Removes uploads whose time is over, with all that came. - Returns: how many went.
    @discardableResult
    public func removeExpiredUploads(now: Timestamp = .now()) async throws -> Int {
        var removed = 0
        while true {
            let batch = try await metadata.takeExpiredUploads(now: now, limit: BlobDeletions.batch)
            // The bytes of a complete upload are an object's; a piece of another upload never was one.
            for session in batch where !session.isComplete {
                do {
                    try await blobs.discardBytes(of: session)
                } catch let error as StorageError {
                    logger.warning("bytes of an expired upload left to the sweep", metadata: ["error": "\(error)"])
                }
            }
            removed += batch.count
            expired.increment(by: Int64(batch.count))
            guard batch.count == BlobDeletions.batch else { return removed }
            try Task.checkCancellation()
        }
    }

    private var work: RecurringWork { RecurringWork(name: "upkeep", logger: logger) }
}
