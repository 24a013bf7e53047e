// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore
import NIOCore
import Synchronization

/// Who writes puts that come at the same time: while some are being written the next ones gather, and one of them writes all.
///
/// Nobody waits for company. A put that finds room is written at once; what gathers is what would have waited for a connection
/// or a processor anyway.
final class PutGroups: Sendable {
    /// A put and how it is to be written.
    struct Put: Sendable {
        let object: NewObject
        let mode: PutMode
    }

    /// What a put that joined has to do, or what became of it.
    enum Turn: Sendable {
        /// To write all of these, the own put first, to call `next` and then to tell the others with `settle`.
        case leads([Member])
        case written(ObjectRecord)
        /// It was not written and certainly will not be: it is to be written by itself.
        case alone
        case failed(any Error)
    }

    /// A put that joined, and whoever waits for its turn.
    struct Member: Sendable {
        let put: Put
        /// Nil for a put that was let in at once.
        fileprivate let continuation: CheckedContinuation<Turn, Never>?

        /// Tells whoever waits.
        func settle(_ turn: Turn) { continuation?.resume(returning: turn) }
    }

    private struct State {
        var underway = 0
        var waiting = CircularBuffer<Member>()
        var pausedUntil: ContinuousClock.Instant?

        mutating func takeGroup(of size: Int, after first: Member?) -> [Member] {
            var group = first.map { [$0] } ?? []
            var addresses = Set(group.map(\.put.object.address))
            var left = CircularBuffer<Member>()
            while group.count < size, let member = waiting.popFirst() {
                // The second put of an address supersedes the first one: in a transaction of its own.
                if addresses.insert(member.put.object.address).inserted { group.append(member) } else { left.append(member) }
            }
            if !left.isEmpty { waiting.insert(contentsOf: left, at: waiting.startIndex) }
            return group
        }
    }

    /// How many puts a group has: more cost no less each, and hold their locks longer.
    static let mostInGroup = 32
    /// How many wait; others are to be written alone, where the pool of connections refuses what is too much.
    static let mostWaiting = 1024

    private let mostUnderway: Int
    private let state = Mutex(State())

    /// - Parameter mostUnderway: how many groups are written at the same time. More of them are smaller ones, each hardly cheaper than a
    ///   large one. Nil: one for four cores, at least two, so that one is prepared while the other waits for the disk.
    init(mostUnderway: Int? = nil) {
        self.mostUnderway = mostUnderway ?? max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) / 4)
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Waits for the turn of a put, which is to be acted upon whatever becomes of the task.
    func join(_ put: Put) async -> Turn {
        if let turn = enter(Member(put: put, continuation: nil)) { return turn }
        return await withCheckedContinuation { continuation in
            let member = Member(put: put, continuation: continuation)
            // There may be room by now.
            if let turn = enter(member, waits: true) { continuation.resume(returning: turn) }
        }
    }

    private func enter(_ member: Member, waits: Bool = false) -> Turn? {
        state.withLock { state in
            if let end = state.pausedUntil {
                guard ContinuousClock.now >= end else { return .alone }
                state.pausedUntil = nil
            }
            if state.underway < mostUnderway {
                state.underway += 1
                return .leads([Member(put: member.put, continuation: nil)])
            }
            guard state.waiting.count < Self.mostWaiting else { return .alone }
            if waits { state.waiting.append(member) }
            return nil
        }
    }

    /// A group has been written, or could not be: the first of those who wait leads the next one.
    func next() {
        let group = state.withLock { state -> [Member] in
            guard let first = state.waiting.popFirst() else {
                state.underway -= 1
                return []
            }
            return state.takeGroup(of: Self.mostInGroup, after: first)
        }
        group.first?.settle(.leads(group))
    }

    /// Lets every put go alone for a while.
    func pause(for duration: Duration) {
        state.withLock { $0.pausedUntil = .now + duration }
    }
}
