// SPDX-License-Identifier: Apache-2.0

public import Logging
import Synchronization

/// Keeps a copy of every object of one bucket under its own key where a CDN serves it.
///
/// The object's blob is not that copy: blobs are immutable and named by their version, and a name that is written again and again is
/// neither. So the copy may be late, but never is the only one, and never is taken for the object. It is brought up to date by whoever
/// changes the object through a front-end that publishes, before that is acknowledged; by `run` soon after another dialect, a rule or
/// SQL changed it; and by `reconcile` after whatever nobody was told of: a crash, a lost connection.
public struct Publications: Sendable {
    public let bucket: BucketID
    private let publisher: any BlobPublisher
    private let metadata: any MetadataStore
    private let blobs: any BlobStoreDirectory
    private let service: Principal
    private let known = KnownVersions()
    private let due = DuePublications()

    /// - Parameter service: who reads all objects of the bucket.
    public init(
        bucket: BucketID, publisher: any BlobPublisher, metadata: any MetadataStore, blobs: any BlobStoreDirectory,
        service: Principal
    ) {
        self.bucket = bucket
        self.publisher = publisher
        self.metadata = metadata
        self.blobs = blobs
        self.service = service
    }

    /// Where readers find an object that the caller may read, once its copy is there. Nil for a key that can't be published.
    /// - Throws: `StorageError`.
    public func url(of object: ReadableObject) async throws -> String? {
        let address = object.record.address
        guard address.bucket == bucket, publisher.canPublish(address.key.rawValue) else { return nil }
        if known.version(at: address.key) != object.record.version { try await refresh(address.key) }
        return publisher.url(of: address.key.rawValue)
    }

    /// Where readers will find a key. Nil for one that can't be published.
    public func url(of key: ObjectKey) -> String? {
        publisher.canPublish(key.rawValue) ? publisher.url(of: key.rawValue) : nil
    }

    /// Makes the copy of a key what the object is now: its bytes, or nothing.
    ///
    /// Calls at the same time may finish in any order, so each looks again once its copy is made: the one that finishes last has seen
    /// the last object.
    /// - Throws: `StorageError`.
    public func refresh(_ key: ObjectKey) async throws {
        guard publisher.canPublish(key.rawValue) else { return }
        known.forget(key)
        var current = try await object(at: key)
        while true {
            do {
                if let current { try await publish(current) } else { try await publisher.withdraw(key.rawValue) }
            } catch let error as StorageError where error.code == .blobMissing {
                // Replaced or deleted between its row and its bytes.
                let next = try await object(at: key)
                guard next?.record.version != current?.record.version else { throw error }
                current = next
                continue
            }
            let next = try await object(at: key)
            guard next?.record.version != current?.record.version else { break }
            current = next
        }
        if let version = current?.record.version { known.remember(version, at: key) }
    }

    private func publish(_ object: ReadableObject) async throws {
        let name = object.record.address.key.rawValue
        let details = ObjectMetadata(parsing: object.record.metadata)
        let mediaType = details.mimetype ?? "application/octet-stream"
        guard let blob = object.blob else {
            throw StorageError(.blobMissing, "The resource was not found", resource: name)
        }
        if blob.backend == publisher.backend {
            try await publisher.publish(
                blob.key, of: blob.size, as: name, mediaType: mediaType, cacheControl: details.cacheControl)
        } else {
            let content = try await blobs.store(for: blob.backend).get(blob.key, range: nil)
            try await publisher.publish(content.stream(), as: name, mediaType: mediaType, cacheControl: details.cacheControl)
        }
    }

    private func object(at key: ObjectKey) async throws -> ReadableObject? {
        do {
            return try await metadata.visibleObject(at: ObjectAddress(bucket: bucket, key: key), as: caller)
        } catch let error as StorageError where error.code == .objectNotFound || error.code == .bucketNotFound {
            return nil
        }
    }

    private var caller: Caller { Caller(principal: service, facts: RequestFacts(operation: .upkeep)) }
}

// MARK: - Reconciliation

extension Publications {
    private static let page = 500

    /// Compares all objects with all copies, and refreshes what differs: copies without an object, objects without a copy, copies that
    /// are of another size or older than their object. - Returns: how many were refreshed.
    @discardableResult
    public func reconcile() async throws -> Int {
        var objects = Pages { [self] after in try await objectPage(after: after) }
        var copies = Pages { [self] after in try await publisher.published(after: after, limit: Self.page).blobs.map(Self.copy) }
        var refreshed = 0
        var (object, copy) = (try await objects.next(), try await copies.next())
        while object != nil || copy != nil {
            try Task.checkCancellation()
            let name: String
            let isRight: Bool
            switch (object, copy) {
            case (let some?, let other?) where some.name.utf8.elementsEqual(other.name.utf8):
                name = some.name
                isRight = (some.size ?? other.size) == other.size && some.seconds <= other.seconds
                (object, copy) = (try await objects.next(), try await copies.next())
            case (let some?, let other) where other.map({ some.name.utf8.lexicographicallyPrecedes($0.name.utf8) }) ?? true:
                name = some.name
                isRight = !publisher.canPublish(some.name)
                object = try await objects.next()
            case (_, let other?):
                name = other.name
                isRight = false
                copy = try await copies.next()
            default: return refreshed
            }
            guard !isRight else { continue }
            try await refresh(ObjectKey(stored: name))
            refreshed += 1
        }
        return refreshed
    }

    /// Takes note of something that changed: `run` brings the copies up to date that it concerns.
    public func note(_ change: MetadataChange) {
        switch change {
        case .object(let address) where address.bucket == bucket: due.add(address.key)
        case .bucket(bucket), .tracking: due.addAll()
        default: break
        }
    }

    /// Brings up to date what was noted, and compares everything now and then, until cancelled.
    /// - Parameter delay: for how long changes are collected. Whoever publishes what it writes is done by then, mostly.
    public func run(every interval: Duration, delay: Duration = .milliseconds(200), logger: Logger) async {
        let work = RecurringWork(name: "publication", logger: logger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await work.every(interval) { due.addAll() } }
            group.addTask {
                for await _ in due.signal.wakes {
                    do { try await Task.sleep(for: delay) } catch { return }
                    switch due.take() {
                    case .all:
                        await work.attempt("reconciliation") {
                            let count = try await reconcile()
                            if count > 0 { logger.info("copies for the CDN brought up to date", metadata: ["count": "\(count)"]) }
                        }
                    case .keys(let keys):
                        for key in keys { await work.attempt("a copy") { try await refreshIfStale(key) } }
                    }
                }
            }
        }
    }

    /// Does not copy again what this process published itself.
    private func refreshIfStale(_ key: ObjectKey) async throws {
        try Task.checkCancellation()
        if let version = known.version(at: key), try await object(at: key)?.record.version == version { return }
        try await refresh(key)
    }

    private struct Item: Sendable {
        var name: String
        var size: Int64?
        var seconds: Int64
    }

    private func objectPage(after name: String?) async throws -> [Item] {
        let query = KeyQuery(after: name.map { .key($0) }, limit: Self.page)
        return try await metadata.keys(matching: query, in: bucket, as: caller).items.compactMap { item in
            guard case .object(let entry) = item else { return nil }
            return Item(name: entry.key.rawValue, size: entry.size, seconds: entry.lastModified?.seconds ?? 0)
        }
    }

    private static func copy(_ info: BlobInfo) -> Item {
        Item(name: info.key.rawValue, size: info.size, seconds: info.modifiedAt.seconds)
    }

    /// Items one by one, page by page.
    private struct Pages {
        let load: (String?) async throws -> [Item]
        private var page: ArraySlice<Item> = []
        private var last: String?
        private var isOver = false

        init(_ load: @escaping (String?) async throws -> [Item]) { self.load = load }

        mutating func next() async throws -> Item? {
            if page.isEmpty, !isOver {
                page = try await load(last)[...]
                last = page.last?.name
                isOver = page.isEmpty
            }
            return page.popFirst()
        }
    }
}

/// The keys whose copies may be out of date.
private final class DuePublications: Sendable {
    enum Due {
        case all
        case keys(Set<ObjectKey>)
    }

    /// More than these, and all copies are compared instead.
    private static let capacity = 10_000
    let signal = WakeSignal()
    private let due = Mutex(Due.keys([]))

    func add(_ key: ObjectKey) {
        due.withLock { due in
            guard case .keys(var keys) = due else { return }
            due = .keys([])
            keys.insert(key)
            due = keys.count > Self.capacity ? .all : .keys(keys)
        }
        signal.signal()
    }

    func addAll() {
        due.withLock { $0 = .all }
        signal.signal()
    }

    func take() -> Due {
        due.withLock { due in
            defer { due = .keys([]) }
            return due
        }
    }
}

/// The versions whose copies this process made.
private final class KnownVersions: Sendable {
    // Bounded: when it is full everything is copied anew once.
    private static let capacity = 100_000
    private let versions = Mutex<[ObjectKey: ObjectVersion]>([:])

    func version(at key: ObjectKey) -> ObjectVersion? { versions.withLock { $0[key] } }

    func forget(_ key: ObjectKey) { versions.withLock { _ = $0.removeValue(forKey: key) } }

    func remember(_ version: ObjectVersion, at key: ObjectKey) {
        versions.withLock { versions in
            if versions.count >= Self.capacity { versions.removeAll() }
            versions[key] = version
        }
    }
}
