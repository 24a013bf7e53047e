// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets so many pieces of work run at a time. The others wait, or are turned away where too many do or it takes too long.
///
/// Who wants a place says for whom and how much of a hurry there is. Who has the most patience goes last; among equals those go first
/// for whom the least runs, then those who had their turn the longest ago, then who came first. So nobody's work, however much there is
/// of it, is in the way of more than its own share.
public final class WorkPlaces: Sendable {
    /// How many may run and wait.
    public struct Rules: Sendable {
        /// How many run at a time.
        public var count: Int
        /// How many of one owner run at a time.
        public var countEach: Int
        /// How many places there are for what nobody waits for. The others are always free for what is in a hurry, or soon.
        public var patientCount: Int
        /// How many that are in a hurry wait at the most.
        public var queue: Int
        /// How many of those may be one owner's.
        public var queueEach: Int
        /// How long those wait. Nil: for as long as it takes.
        public var wait: Duration?

        /// Everything that is not said is without a bound.
        public init(
            count: Int, countEach: Int = .max, patientCount: Int = .max, queue: Int = .max, queueEach: Int = .max,
            wait: Duration? = nil
        ) {
            self.count = max(1, count)
            self.countEach = max(1, countEach)
            self.patientCount = max(1, patientCount)
            self.queue = max(0, queue)
            self.queueEach = max(0, queueEach)
            self.wait = wait
        }
    }

    /// Who wants a place.
    public struct Claim: Hashable, Sendable {
        /// Work of one owner waits for each other more than for that of others. Nil is an owner, too.
        public var owner: String?
        /// Whether nobody waits for it: it comes behind all else, and its wait has no end.
        public var isPatient: Bool

        public init(owner: String? = nil, isPatient: Bool = false) {
            self.owner = owner
            self.isPatient = isPatient
        }
    }

    /// So many wait already that no more may, or the wait was too long.
    public struct Full: Error {
        public init() {}
    }

    /// How many run and wait.
    public struct Load: Sendable {
        public var running = 0
        public var waiting = 0
    }

    private let rules: Rules
    private let report: @Sendable (Load) -> Void
    private let line: Mutex<WorkLine>

    /// - Parameter report: told of each change, one after the other. It must not wait for anything.
    public init(_ rules: Rules, report: @escaping @Sendable (Load) -> Void = { _ in }) {
        self.rules = rules
        self.report = report
        self.line = Mutex(WorkLine(rules))
    }

    /// - Parameter count: how many run at a time.
    public convenience init(count: Int) { self.init(Rules(count: count)) }

    /// How many wait now.
    public var waitingCount: Int { line.withLock { $0.waiting.count } }

    /// Runs `body` when there is a place for it.
    /// - Throws: what `body` throws; `Full`; `CancellationError` when cancelled while waiting.
    public func withPlace<Value: Sendable>(for claim: Claim = Claim(), _ body: () async throws -> Value) async throws -> Value {
        try await enter(claim)
        defer { leave(claim) }
        return try await body()
    }

    private func enter(_ claim: Claim) async throws {
        let id = line.withLock { $0.nextID() }
        var clock: Task<Void, any Error>?
        defer { clock?.cancel() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (refusal, admitted) = line.withLock { line -> ((any Error)?, [WorkLine.Waiter]) in
                    // Cancelled before it could be found among those who wait.
                    if Task.isCancelled { return (CancellationError(), []) }
                    guard line.join(WorkLine.Waiter(id: id, claim: claim, continuation: continuation)) else {
                        return (Full(), [])
                    }
                    defer { report(line.load) }
                    return (nil, line.admit())
                }
                if let refusal { return continuation.resume(throwing: refusal) }
                // Once it can be found in the line.
                clock = claim.isPatient ? nil : rules.wait.map { wait in expiry(of: id, after: wait) }
                for waiter in admitted { waiter.continuation.resume() }
            }
        } onCancel: {
            remove(id, throwing: CancellationError())
        }
    }

    /// Takes one that waits out of the line when it has waited for so long. Owned by who waits: cancelled behind the wait.
    private func expiry(of id: UInt64, after wait: Duration) -> Task<Void, any Error> {
        Task { [self] in
            try await Task.sleep(for: wait)
            remove(id, throwing: Full())
        }
    }

    private func remove(_ id: UInt64, throwing error: any Error) {
        let waiter = line.withLock { line -> WorkLine.Waiter? in
            defer { report(line.load) }
            return line.remove(id)
        }
        waiter?.continuation.resume(throwing: error)
    }

    private func leave(_ claim: Claim) {
        let admitted = line.withLock { line in
            defer { report(line.load) }
            line.end(claim)
            return line.admit()
        }
        for waiter in admitted { waiter.continuation.resume() }
    }
}

/// Who runs and who waits.
struct WorkLine {
    struct Waiter {
        var id: UInt64
        var claim: WorkPlaces.Claim
        var continuation: CheckedContinuation<Void, any Error>
    }

    /// What is known of an owner while it has anything here.
    private struct Share {
        var running = 0
        /// Of what is in a hurry.
        var waiting = 0
        var lastTurn: UInt64 = 0

        var isIdle: Bool { running == 0 && waiting == 0 }
    }

    private let rules: WorkPlaces.Rules
    private var running = 0
    private var runningPatiently = 0
    private var lastID: UInt64 = 0
    private var lastTurn: UInt64 = 0
    private var shares: [String?: Share] = [:]
    private var hurried = 0
    /// In the order in which they came.
    private(set) var waiting: [Waiter] = []

    init(_ rules: WorkPlaces.Rules) { self.rules = rules }

    var load: WorkPlaces.Load { WorkPlaces.Load(running: running, waiting: waiting.count) }

    mutating func nextID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// - Returns: false when the line is too long.
    mutating func join(_ waiter: Waiter) -> Bool {
        let owner = waiter.claim.owner
        if !waiter.claim.isPatient {
            let mayBegin = mayBegin(waiter.claim)
            guard mayBegin || hurried < rules.queue && shares[owner, default: Share()].waiting < rules.queueEach else {
                return false
            }
            hurried += 1
            shares[owner, default: Share()].waiting += 1
        }
        waiting.append(waiter)
        return true
    }

    mutating func remove(_ id: UInt64) -> Waiter? {
        guard let position = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        return takeOut(position)
    }

    mutating func end(_ claim: WorkPlaces.Claim) {
        running -= 1
        if claim.isPatient { runningPatiently -= 1 }
        change(claim.owner) { $0.running -= 1 }
    }

    /// Takes out all that may begin now.
    mutating func admit() -> [Waiter] {
        var admitted: [Waiter] = []
        while let position = next {
            let claim = waiting[position].claim
            running += 1
            if claim.isPatient { runningPatiently += 1 }
            lastTurn += 1
            shares[claim.owner, default: Share()].running += 1
            shares[claim.owner, default: Share()].lastTurn = lastTurn
            admitted.append(takeOut(position))
        }
        return admitted
    }

    private var next: Int? {
        guard running < rules.count else { return nil }
        return waiting.indices.filter { mayBegin(waiting[$0].claim) }.min { goesFirst(waiting[$0], waiting[$1]) }
    }

    private func mayBegin(_ claim: WorkPlaces.Claim) -> Bool {
        running < rules.count && shares[claim.owner, default: Share()].running < rules.countEach
            && (!claim.isPatient || runningPatiently < rules.patientCount)
    }

    private func goesFirst(_ a: Waiter, _ b: Waiter) -> Bool {
        if a.claim.isPatient != b.claim.isPatient { return b.claim.isPatient }
        let (mine, other) = (shares[a.claim.owner, default: Share()], shares[b.claim.owner, default: Share()])
        return (mine.running, mine.lastTurn, a.id) < (other.running, other.lastTurn, b.id)
    }

    private mutating func takeOut(_ position: Int) -> Waiter {
        let waiter = waiting.remove(at: position)
        if !waiter.claim.isPatient {
            hurried -= 1
            change(waiter.claim.owner) { $0.waiting -= 1 }
        }
        return waiter
    }

    private mutating func change(_ owner: String?, _ change: (inout Share) -> Void) {
        var share = shares[owner, default: Share()]
        change(&share)
        shares[owner] = share.isIdle ? nil : share
    }
}
