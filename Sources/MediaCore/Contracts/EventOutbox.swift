// SPDX-License-Identifier: Apache-2.0

/// Events that wait to be delivered.
///
/// They are written in the transaction that changes an object, whoever changes it, by a store that is told to; an event exists
/// exactly if its change was committed. All requirements run as system.
public protocol EventOutbox: Sendable {
    /// Takes up to `limit` events that are due, hidden from other takers for `lease` seconds, oldest first.
    ///
    /// An event is not due while an earlier one of the same object is hidden or waits for another attempt.
    func takeEvents(limit: Int, lease: Int64) async throws -> [StorageEvent]

    /// These were delivered, or nobody wants them: forget them.
    func finishEvents(_ ids: [EventID]) async throws

    /// A delivery failed: try it again after `seconds`, and no later event of the same object before.
    func postponeEvent(_ id: EventID, bySeconds seconds: Int64, because reason: String) async throws

    /// Gives an event up. It is kept until `forgetDeadEvents`, and keeps no other from being delivered.
    func buryEvent(_ id: EventID, because reason: String) async throws

    /// Nothing was tried of these after all: they are due again, as they were.
    func releaseEvents(_ ids: [EventID]) async throws

    /// Forgets events that were given up before `date`. - Returns: how many.
    func forgetDeadEvents(before date: Timestamp) async throws -> Int

    /// How many events there are.
    func eventCounts() async throws -> EventCounts
}

/// How many events wait, and how many were given up.
public struct EventCounts: Hashable, Sendable {
    public var waiting: Int
    public var dead: Int

    public init(waiting: Int, dead: Int) {
        self.waiting = waiting
        self.dead = dead
    }
}
