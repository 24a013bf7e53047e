// SPDX-License-Identifier: Apache-2.0

public import Logging
public import MediaCore
import Synchronization

/// Projects' own stores: opened from their rows when they are first needed, a bounded number at a time, and closed when nobody needed them for a
/// while.
public actor OwnBlobStores {
    public struct Limits: Sendable {
        /// The most stores that are kept open. Those in use beyond that are closed when their users are done.
        public var open: Int
        /// After so long without use a store is closed.
        public var idle: Duration
        /// After so long a store is opened anew: its name may lead elsewhere by then.
        public var age: Duration
        /// How long a store that could not be opened or reached is not tried again.
        public var pause: Duration
        /// After so many calls in a row that did not reach its service a store counts as out of reach.
        public var strikes: Int

        public init(
            open: Int = 64, idle: Duration = .seconds(120), age: Duration = .seconds(300), pause: Duration = .seconds(3),
            strikes: Int = 3
        ) {
            self.open = open
            self.idle = idle
            self.age = age
            self.pause = pause
            self.strikes = strikes
        }
    }

    private enum Entry {
        case opening(Task<SharedBlobStore, any Error>, number: Int)
        case open(SharedBlobStore, lastUse: ContinuousClock.Instant)
        case failed(any Error, until: ContinuousClock.Instant)
    }

    private let vault: BackendVault
    private let opener: any BackendOpener
    private let health: BackendHealthLog
    private let limits: Limits
    private let logger: Logger
    private var entries: [BackendID: Entry] = [:]
    private var lastNumber = 0

    /// - Parameter metadata: where it is taken down how the stores are.
    public init(
        vault: BackendVault, opener: any BackendOpener, metadata: any MetadataStore, limits: Limits = Limits(), logger: Logger
    ) {
        self.vault = vault
        self.opener = opener
        self.health = BackendHealthLog(metadata: metadata, logger: logger)
        self.limits = limits
        self.logger = logger
    }

    /// - Throws: `StorageError` with `.originUnavailable` for a store that can't be opened; what the database throws.
    func store(for id: BackendID) async throws -> any BlobStore {
        let now = ContinuousClock.now
        switch entries[id] {
        case .open(let store, _) where now - store.openedAt < limits.age:
            entries[id] = .open(store, lastUse: now)
            return store
        case .failed(let error, let until) where now < until: throw error
        case .opening(let task, _): return try await task.value
        case .open, .failed, nil: break
        }
        lastNumber += 1
        let number = lastNumber
        let task = Task { try await open(id, number) }
        entries[id] = .opening(task, number: number)
        return try await task.value
    }

    private func open(_ id: BackendID, _ number: Int) async throws -> SharedBlobStore {
        do {
            let configuration = try await vault.configuration(of: id).configuration
            let store = SharedBlobStore(try await opener.open(configuration), of: id, logger: logger) {
                [weak self] store, error in
                self?.heard(of: store, error)
            }
            settle(id, number, .open(store, lastUse: .now))
            closeLongestUnused()
            return store
        } catch {
            guard let failure = OriginFailure.ofOpening(error) else {
                settle(id, number, nil)
                throw error
            }
            health.note(id, error)
            settle(id, number, .failed(failure, until: .now + limits.pause))
            throw failure
        }
    }

    /// What was changed meanwhile is for those who wait, and for nobody after them.
    private func settle(_ id: BackendID, _ number: Int, _ entry: Entry?) {
        if case .opening(_, number: number) = entries[id] { entries[id] = entry }
    }

    private func closeLongestUnused() {
        var open = entries.compactMap { id, entry in
            if case .open(_, let lastUse) = entry { (id: id, lastUse: lastUse) } else { nil }
        }
        guard open.count > limits.open else { return }
        open.sort { $0.lastUse < $1.lastUse }
        for unused in open.prefix(open.count - limits.open) { entries[unused.id] = nil }
    }

    private nonisolated func heard(of store: SharedBlobStore, _ error: (any Error)?) {
        health.note(store.id, error)
        guard let error, OriginFailure.isOfTransport(error) else { return store.strikes.withLock { $0 = 0 } }
        let strikes = store.strikes.withLock { strikes in
            strikes += 1
            return strikes
        }
        guard strikes >= limits.strikes, let failure = OriginFailure.of(error) else { return }
        // Owned by nobody: it only changes an entry.
        Task { await suspend(store, failure) }
    }

    /// Nobody waits for a service that is out of reach, for a moment. Who comes then asks anew where it is.
    private func suspend(_ store: SharedBlobStore, _ failure: StorageError) {
        guard case .open(let known, _) = entries[store.id], known === store else { return }
        entries[store.id] = .failed(failure, until: .now + limits.pause)
    }

    /// Follows what others change: what was opened by an earlier configuration goes on for those who use it, and for nobody else.
    func apply(_ change: MetadataChange) {
        switch change {
        case .backend(let id): entries[id] = nil
        case .lostTrack: entries = [:]
        case .object, .bucket, .accessKey, .jobs, .projectKey, .tracking: break
        }
    }

    /// Closes what nobody needed for a while, now and then, until cancelled.
    public func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: limits.idle / 2) } catch { return }
            closeIdle()
        }
    }

    func closeIdle(at now: ContinuousClock.Instant = .now) {
        entries = entries.filter { _, entry in
            switch entry {
            case .open(_, let lastUse): now - lastUse < limits.idle
            case .failed(_, let until): now < until
            case .opening: true
            }
        }
    }

    /// How many stores are kept open.
    var openCount: Int {
        entries.values.count { if case .open = $0 { true } else { false } }
    }

    /// Closes all. Nothing may be called afterwards.
    public func close() async {
        let all = entries.values
        entries = [:]
        for entry in all { if case .open(let store, _) = entry { await store.close() } }
        await health.close()
    }
}
