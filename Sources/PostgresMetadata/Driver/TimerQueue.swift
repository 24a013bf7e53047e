// SPDX-License-Identifier: Apache-2.0

/// Actions to run at a moment, in the order of their moments. A value: whoever owns it runs what is due.
struct TimerQueue: Sendable {
    typealias Action = @Sendable () -> Void
    /// Names a scheduled action.
    struct ID: Hashable, Sendable {
        fileprivate let deadline: ContinuousClock.Instant
        fileprivate let serial: UInt64
    }

    // Ascending. Most timeouts have one of a few lengths, so that new entries go near the end.
    private var entries: [(id: ID, action: Action)] = []
    private var lastSerial: UInt64 = 0

    var nextDeadline: ContinuousClock.Instant? { entries.first?.id.deadline }

    mutating func schedule(at deadline: ContinuousClock.Instant, _ action: @escaping Action) -> ID {
        lastSerial += 1
        let id = ID(deadline: deadline, serial: lastSerial)
        entries.insert((id, action), at: index(of: id))
        return id
    }

    /// Forgets an action; one that ran already is no error.
    mutating func cancel(_ id: ID) {
        let index = index(of: id)
        if index < entries.count, entries[index].id == id { entries.remove(at: index) }
    }

    /// Takes out the actions that are due.
    mutating func takeDue(at now: ContinuousClock.Instant) -> [Action] {
        var count = 0
        while count < entries.count, entries[count].id.deadline <= now { count += 1 }
        guard count > 0 else { return [] }
        let due = entries[..<count].map(\.action)
        entries.removeFirst(count)
        return due
    }

    /// Where the entry is, or belongs.
    private func index(of id: ID) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let other = entries[middle].id
            if (other.deadline, other.serial) < (id.deadline, id.serial) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
