// SPDX-License-Identifier: Apache-2.0

public import Logging
import Metrics

/// Gives up uploads in parts: what the lifecycle needs of whoever keeps them.
public protocol IncompleteUploads: Sendable {
    /// Gives uploads under way up. - Returns: how many.
    func giveUp(_ uploads: IncompleteUploadQuery) async throws -> Int
}

/// Which uploads under way are given up.
public struct IncompleteUploadQuery: Hashable, Sendable {
    public var bucket: BucketID
    /// What their keys begin with.
    public var prefix: String
    /// Only those that began before.
    public var date: Timestamp
    /// Not those whose keys begin with one of these.
    public var sparing: [String]

    public init(in bucket: BucketID, prefix: String = "", startedBefore date: Timestamp, sparing: [String] = []) {
        self.bucket = bucket
        self.prefix = prefix
        self.date = date
        self.sparing = sparing
    }

    func includes(_ session: UploadSession) -> Bool {
        let key = session.address.key.rawValue.utf8
        return session.createdAt < date && !sparing.contains { key.starts(with: $0.utf8) }
    }
}

/// Runs the lifecycle rules of buckets, a page of versions at a time.
///
/// It can be stopped at any point and run by several servers at once: an object that changed since it was judged is left alone.
public struct Lifecycle: Sendable {
    private let metadata: any MetadataStore
    private let objects: Objects
    private let uploads: (any IncompleteUploads)?
    private let service: Principal
    private let day: LifecycleDay
    private let longestUpload: Int64?
    private let logger: Logger
    private let expired = Counter(label: "magpie_lifecycle_expired_total")

    /// - Parameters:
    ///   - service: the principal that deletes; no policy binds it.
    ///   - uploads: nil where there are no uploads in parts.
    ///   - longestUpload: how long an upload in parts may take that no rule speaks of, in seconds. Nil: for ever.
    public init(
        storage: Storage, metadata: any MetadataStore, service: Principal, uploads: (any IncompleteUploads)? = nil,
        day: LifecycleDay = .calendar, longestUpload: Int64? = nil, logger: Logger
    ) {
        self.metadata = metadata
        self.objects = storage.objects
        self.uploads = uploads
        self.service = service
        self.day = day
        self.longestUpload = longestUpload
        self.logger = logger
    }

    /// Works until cancelled: four times a day, a day of the calendar or of the tests.
    public func run() async {
        let work = RecurringWork(name: "upkeep", logger: logger)
        await work.every(.seconds(day.seconds) / 4) { await work.attempt("lifecycle") { try await apply() } }
    }

    /// Removes what is due in all buckets by their rules, and then the uploads in parts that took too long and that no rule speaks of.
    /// A bucket that fails is left to the next run and keeps no other waiting.
    /// - Returns: how many objects, versions and uploads.
    /// - Throws: `CancellationError`; what reading the rules throws.
    @discardableResult
    public func apply(now: Timestamp = .now()) async throws -> Int {
        var count = 0
        for (bucket, settings) in try await metadata.bucketsWithLifecycle() {
            let rules = Self.rules(settings)
            count += try await attempt(in: bucket) {
                try await expire(rules, in: bucket, at: now) + giveUpUploads(rules, in: bucket, at: now)
            }
        }
        count += try await giveUpForgottenUploads(at: now)
        expired.increment(by: Int64(count))
        if count > 0 { logger.info("lifecycle rules applied", metadata: ["count": "\(count)"]) }
        return count
    }

    private static func rules(_ settings: BucketSettings) -> [LifecycleRule] { (settings.lifecycle ?? []).filter(\.isEnabled) }

    /// - Throws: `CancellationError` and nothing else.
    private func attempt(in bucket: BucketID, _ body: () async throws -> Int) async throws -> Int {
        do {
            return try await body()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            try Task.checkCancellation()
            logger.error(
                "lifecycle rules of a bucket left to the next run", metadata: ["bucket": "\(bucket)", "error": "\(error)"])
            return 0
        }
    }

    private func expire(_ rules: [LifecycleRule], in bucket: BucketID, at now: Timestamp) async throws -> Int {
        let rules = rules.filter { $0.expiration != nil || $0.noncurrent != nil }
        var count = 0
        // Rules of the same prefix look at the same objects; one inside another's is looked at with it.
        for prefix in Self.prefixes(of: rules) { count += try await expire(rules, in: bucket, prefix: prefix, at: now) }
        return count
    }

    private func expire(
        _ rules: [LifecycleRule], in bucket: BucketID, prefix: String, at now: Timestamp
    ) async throws -> Int {
        let caller = Caller(principal: service, facts: RequestFacts(operation: .upkeep))
        var query = VersionQuery(prefix: prefix)
        var open: [VersionEntry] = []
        var count = 0
        repeat {
            try Task.checkCancellation()
            let page = try await objects.versions(query, in: bucket, as: caller)
            var due: [ObjectDeletion] = []
            for case .version(let entry) in page.items {
                if let key = open.first?.key, key != entry.key {
                    due += LifecycleKey(versions: open).due(rules, at: now, day: day)
                    open = []
                }
                open.append(entry)
            }
            if page.next == nil { due += LifecycleKey(versions: open).due(rules, at: now, day: day) }
            count += try await delete(due, in: bucket, as: caller)
            query.after = page.next
        } while query.after != nil
        return count
    }

    private func delete(_ deletions: [ObjectDeletion], in bucket: BucketID, as caller: Caller) async throws -> Int {
        guard !deletions.isEmpty else { return 0 }
        var count = 0
        for (deletion, result) in zip(deletions, try await objects.delete(deletions, in: bucket, as: caller)) {
            switch result {
            case .success: count += 1
            case .failure(let error) where error.code == .preconditionFailed || error.code == .objectNotFound: continue
            case .failure(let error):
                logger.warning(
                    "expired object left to the next run", metadata: ["key": "\(deletion.key)", "error": "\(error)"])
            }
        }
        return count
    }

    private func giveUpUploads(_ rules: [LifecycleRule], in bucket: BucketID, at now: Timestamp) async throws -> Int {
        guard let uploads else { return 0 }
        var count = 0
        for rule in rules {
            guard let days = rule.abortIncompleteAfter else { continue }
            let span = day.end(of: days, after: Timestamp(seconds: 0)).seconds
            count += try await uploads.giveUp(
                IncompleteUploadQuery(in: bucket, prefix: rule.filter.prefix, startedBefore: now.adding(seconds: -span)))
        }
        return count
    }

    /// What a rule speaks of is left to it: it may want to wait longer.
    private func giveUpForgottenUploads(at now: Timestamp) async throws -> Int {
        guard let uploads, let longestUpload else { return 0 }
        let date = now.adding(seconds: -longestUpload)
        var count = 0
        for bucket in try await metadata.bucketsWithUploads(.parts, startedBefore: date) {
            count += try await attempt(in: bucket) {
                let settings = try await metadata.bucketSettings(bucket, facts: RequestFacts(operation: .upkeep))
                let governed = Self.rules(settings).filter { $0.abortIncompleteAfter != nil }.map(\.filter.prefix)
                guard !governed.contains("") else { return 0 }
                return try await uploads.giveUp(IncompleteUploadQuery(in: bucket, startedBefore: date, sparing: governed))
            }
        }
        return count
    }

    /// The prefixes that together cover the rules', none inside another.
    static func prefixes(of rules: [LifecycleRule]) -> [String] {
        let sorted = rules.map(\.filter.prefix).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return sorted.reduce(into: []) { kept, prefix in
            if let last = kept.last, prefix.utf8.starts(with: last.utf8) { return }
            kept.append(prefix)
        }
    }
}
