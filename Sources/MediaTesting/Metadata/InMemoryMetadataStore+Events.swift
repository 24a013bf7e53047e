// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func takeEvents(limit: Int, lease: Int64) async throws -> [StorageEvent] {
        let time = now()
        return state.withLock { state in
            let living = state.events.values.filter { $0.diedAt == nil }
            let due = living.filter { queued in
                queued.notBefore <= time && !living.contains { $0.isBefore(queued) && $0.notBefore > queued.notBefore }
            }
            let taken = due.sorted { ($0.notBefore, $0.event.id) < ($1.notBefore, $1.event.id) }.prefix(max(0, limit))
            for queued in taken { state.events[queued.event.id]?.notBefore = time.adding(seconds: lease) }
            return taken.map(\.event).sorted { $0.id < $1.id }
        }
    }

    public func finishEvents(_ ids: [EventID]) async throws {
        state.withLock { state in
            for id in ids { state.events[id] = nil }
        }
    }

    public func postponeEvent(_ id: EventID, bySeconds seconds: Int64, because reason: String) async throws {
        let date = now().adding(seconds: seconds)
        state.withLock { state in
            guard let failed = state.events[id], failed.diedAt == nil else { return }
            state.events[id]?.event.attempts += 1
            state.events[id]?.lastFailure = reason
            state.events[id]?.notBefore = date
            for later in state.events.values where failed.isBefore(later) { state.events[later.event.id]?.notBefore = date }
        }
    }

    public func buryEvent(_ id: EventID, because reason: String) async throws {
        let time = now()
        state.withLock { state in
            state.events[id]?.event.attempts += 1
            state.events[id]?.lastFailure = reason
            state.events[id]?.diedAt = time
        }
    }

    public func releaseEvents(_ ids: [EventID]) async throws {
        state.withLock { state in
            for id in ids {
                guard let queued = state.events[id], queued.diedAt == nil else { continue }
                state.events[id]?.notBefore = queued.event.date
            }
        }
    }

    public func forgetDeadEvents(before date: Timestamp) async throws -> Int {
        state.withLock { state in
            let old = state.events.values.filter { $0.diedAt.map { $0 < date } ?? false }
            for queued in old { state.events[queued.event.id] = nil }
            return old.count
        }
    }

    public func eventCounts() async throws -> EventCounts {
        state.withLock { state in
            let dead = state.events.values.count { $0.diedAt != nil }
            return EventCounts(waiting: state.events.count - dead, dead: dead)
        }
    }
}

extension InMemoryMetadataStore.QueuedEvent {
    /// Whether this is an earlier event of the same object.
    fileprivate func isBefore(_ other: Self) -> Bool { event.address == other.event.address && event.id < other.event.id }
}

extension InMemoryMetadataStore.State {
    /// Writes an event, in the transaction under way.
    mutating func record(_ type: EventType, _ record: ObjectRecord, from source: ObjectAddress? = nil, at time: Timestamp) {
        guard recordsEvents else { return }
        lastEventID += 1
        let isCreation = type.rawValue.hasPrefix("ObjectCreated:")
        let event = StorageEvent(
            id: EventID(lastEventID), uuid: ObjectID().rawValue, type: type, address: record.address, version: record.version,
            metadata: record.metadata, movedFrom: source, uploadType: isCreation ? facts.operation.uploadType : nil,
            requestID: facts.requestID.isEmpty ? nil : facts.requestID, callerRequestID: facts.callerRequestID, date: time)
        events[event.id] = InMemoryMetadataStore.QueuedEvent(event: event, notBefore: time)
    }
}
