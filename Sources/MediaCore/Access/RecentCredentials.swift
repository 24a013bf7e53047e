// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Credentials that were used lately, so that not every request asks the database. For a short while only: revocations are announced,
/// and some announcements get lost.
final class RecentCredentials<Name: Hashable & Sendable, Credential: Sendable>: Sendable {
    /// Proof that nothing was forgotten between a read of the database and what it is kept as.
    struct Ticket: Sendable {
        fileprivate let generation: UInt64
    }

    private struct State {
        var generation: UInt64 = 0
        var entries: [Name: (credential: Credential, until: Timestamp)] = [:]
    }

    private let capacity = 1024
    private let state = Mutex(State())

    /// To be taken before the database is read: what changes meanwhile is not remembered.
    var ticket: Ticket { Ticket(generation: state.withLock { $0.generation }) }

    func credential(_ name: Name, at now: Timestamp) -> Credential? {
        state.withLock { state in state.entries[name].flatMap { $0.until > now ? $0.credential : nil } }
    }

    func remember(_ credential: Credential, as name: Name, until: Timestamp, ticket: Ticket) {
        state.withLock { state in
            guard state.generation == ticket.generation else { return }
            if state.entries.count >= capacity { state.entries.removeAll(keepingCapacity: true) }
            state.entries[name] = (credential, until)
        }
    }

    /// Forgets a credential; one whose row is being read is not remembered either.
    func forget(_ name: Name) {
        state.withLock { state in
            state.generation &+= 1
            state.entries[name] = nil
        }
    }

    /// Forgets all that are like this.
    func forget(where isMeant: (Credential) -> Bool) {
        state.withLock { state in
            state.generation &+= 1
            state.entries = state.entries.filter { !isMeant($0.value.credential) }
        }
    }

    func forgetAll() {
        state.withLock { state in
            state.generation &+= 1
            state.entries.removeAll()
        }
    }
}
