// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// One request at a time on an upload, in this process: whoever comes asks the one before to stop and waits for it.
///
/// So a client that reconnects gets past its own dead request, which may hang for minutes until somebody notices. Across
/// processes nobody can be asked; there the conditions in the database keep two writers apart.
final class UploadLocks: Sendable {
    enum Key: Hashable, Sendable {
        case upload(UploadID)
        case part(UploadID, PartNumber)
    }

    private enum Wake: Sendable {
        case granted(UploadLease)
        case tooLate
        case cancelled
    }

    private struct Entry {
        var holder: UploadLease
        var waiters: [(id: Int, continuation: CheckedContinuation<Wake, Never>)] = []
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var lastWaiter = 0
        /// Everyone who waits or is about to, with what ended the wait before it began.
        var waits: [Int: Wake?] = [:]
    }

    private let state = Mutex(State())
    fileprivate let patience: Duration

    /// - Parameter patience: how long to wait for the one before.
    init(patience: Duration) { self.patience = patience }

    /// Runs `body` while nobody else holds `key`.
    /// - Throws: `StorageError` with `.locked` when the one before did not stop in time; what `body` throws.
    func withLock<Value: Sendable>(_ key: Key, _ body: (UploadLease) async throws -> Value) async throws -> Value {
        let lease = try await acquire(key, patience: patience)
        defer { release(key, lease) }
        return try await body(lease)
    }

    /// - Parameter patience: how long to wait for the one before. Nil: as long as it takes.
    fileprivate func acquire(_ key: Key, patience: Duration?) async throws -> UploadLease {
        enum Outcome { case free(UploadLease), taken(waiter: Int) }
        let outcome = state.withLock { state -> Outcome in
            guard state.entries[key] != nil else {
                let lease = UploadLease()
                state.entries[key] = Entry(holder: lease)
                return .free(lease)
            }
            state.lastWaiter += 1
            state.waits[state.lastWaiter] = .some(nil)
            return .taken(waiter: state.lastWaiter)
        }
        switch outcome {
        case .free(let lease): return lease
        case .taken(let waiter): return try await wait(for: key, as: waiter, patience: patience)
        }
    }

    fileprivate func acquireIfFree(_ key: Key) -> UploadLease? {
        state.withLock { state in
            guard state.entries[key] == nil else { return nil }
            let lease = UploadLease()
            state.entries[key] = Entry(holder: lease)
            return lease
        }
    }

    private func wait(for key: Key, as waiter: Int, patience: Duration?) async throws -> UploadLease {
        let timer = patience.map { patience in
            Task {
                do { try await Task.sleep(for: patience) } catch { return }
                self.end(waiter, of: key, with: .tooLate)
            }
        }
        defer {
            timer?.cancel()
            state.withLock { _ = $0.waits.removeValue(forKey: waiter) }
        }
        let wake = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in enqueue(continuation, as: waiter, for: key) }
        } onCancel: {
            end(waiter, of: key, with: .cancelled)
        }
        switch wake {
        case .granted(let lease): return lease
        case .cancelled: throw CancellationError()
        case .tooLate:
            throw StorageError(.locked, "Another request on the same upload did not stop in time", isRetryable: true)
        }
    }

    private func enqueue(_ continuation: CheckedContinuation<Wake, Never>, as waiter: Int, for key: Key) {
        enum Next { case wake(Wake), ask(UploadLease) }
        let next = state.withLock { state -> Next in
            if let ended = state.waits[waiter] ?? nil { return .wake(ended) }
            guard let holder = state.entries[key]?.holder else {
                let lease = UploadLease()
                state.entries[key] = Entry(holder: lease)
                return .wake(.granted(lease))
            }
            state.entries[key]?.waiters.append((waiter, continuation))
            return .ask(holder)
        }
        switch next {
        case .wake(let wake): continuation.resume(returning: wake)
        case .ask(let holder): holder.askToStop()
        }
    }

    /// Ends a wait, also one that has not begun yet.
    private func end(_ waiter: Int, of key: Key, with wake: Wake) {
        let continuation = state.withLock { state -> CheckedContinuation<Wake, Never>? in
            guard state.waits[waiter] != nil else { return nil }
            guard let index = state.entries[key]?.waiters.firstIndex(where: { $0.id == waiter }) else {
                state.waits[waiter] = wake
                return nil
            }
            return state.entries[key]?.waiters.remove(at: index).continuation
        }
        continuation?.resume(returning: wake)
    }

    fileprivate func release(_ key: Key, _ lease: UploadLease) {
        let next = state.withLock { state -> (CheckedContinuation<Wake, Never>, UploadLease, isAwaited: Bool)? in
            guard var entry = state.entries[key], entry.holder === lease else { return nil }
            guard !entry.waiters.isEmpty else {
                state.entries[key] = nil
                return nil
            }
            let waiter = entry.waiters.removeFirst()
            entry.holder = UploadLease()
            state.entries[key] = entry
            return (waiter.continuation, entry.holder, !entry.waiters.isEmpty)
        }
        guard let (continuation, successor, isAwaited) = next else { return }
        if isAwaited { successor.askToStop() }
        continuation.resume(returning: .granted(successor))
    }
}

/// The right to work on an upload, until somebody asks for it.
final class UploadLease: Sendable {
    private struct State {
        var isAsked = false
        var stop: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// What is to be done when a newcomer asks: at once if one has already.
    func onRequest(_ stop: @escaping @Sendable () -> Void) {
        let isAsked = state.withLock { state in
            state.stop = stop
            return state.isAsked
        }
        if isAsked { stop() }
    }

    func askToStop() {
        let stop = state.withLock { state in
            state.isAsked = true
            return state.stop
        }
        stop?()
    }
}

/// A turn that is taken in the middle of a call, by whoever learns there that it is time, and given up when the call is over.
final class UploadTurn: Sendable {
    private let locks: UploadLocks
    private let key: UploadLocks.Key
    private let patience: Duration?
    private let lease: Mutex<UploadLease?> = Mutex(nil)

    /// - Parameter isPatient: whether to wait for the one before as long as it takes.
    init(_ locks: UploadLocks, _ key: UploadLocks.Key, isPatient: Bool = false) {
        self.locks = locks
        self.key = key
        self.patience = isPatient ? nil : locks.patience
    }

    /// To be called once at most. - Throws: as `UploadLocks.withLock`.
    func take() async throws {
        let taken = try await locks.acquire(key, patience: patience)
        lease.withLock { $0 = taken }
    }

    /// - Returns: false while somebody else has it, who is not asked for it.
    func takeIfFree() -> Bool {
        guard let taken = locks.acquireIfFree(key) else { return false }
        lease.withLock { $0 = taken }
        return true
    }

    /// Nothing, where it was not taken.
    func end() {
        guard let taken = lease.withLock({ $0.take() }) else { return }
        locks.release(key, taken)
    }
}
