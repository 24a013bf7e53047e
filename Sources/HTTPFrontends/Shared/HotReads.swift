// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import Synchronization

/// Ready answers to plain reads, by raw request target, for the connection to give without leaving its event loop.
///
/// An answer lives no longer than the core's cached object behind it: whatever makes that one invalid makes the answer go.
public final class HotReads: Sendable {
    /// To whom the answers are given.
    public enum Audience: Sendable {
        /// Only objects of public buckets are kept.
        case everybody
        /// Whoever asks for an answer has found out that the reader is one whom no policy binds.
        case unboundRole
    }

    /// Where a front-end leaves its answers.
    struct Place: Sendable {
        let reads: HotReads
        /// Its name.
        let frontend: String
        let storage: Storage
    }

    private struct Entry {
        /// As it was sent. The dictionary takes canonically equivalent texts for one; these bytes decide.
        let target: String
        /// Tells answers to one target apart.
        let variant: String
        /// What a reader must accept, that and no more, to be given this. Nil: it does not matter.
        let accepted: AcceptedFormats?
        /// The cache's own: it becomes empty with the object behind it. The object itself would be kept alive by holding it.
        let body: CachedBody
        /// Without its body.
        let answer: HotAnswer

        /// What it costs to keep, in bytes.
        var cost: Int { 512 + target.utf8.count + answer.head.storageCapacity }

        func answers(_ request: HotRequest, _ variant: String) -> Bool {
            guard target.utf8.elementsEqual(request.target.utf8), self.variant == variant else { return false }
            return accepted == nil || accepted == request.acceptedFormats
        }
    }

    private struct State {
        /// By target. There are as many of one as there are variants and sets of formats, which are few.
        var entries: [String: [Entry]] = [:]
        /// Of all entries.
        var cost = 0

        mutating func add(_ entry: Entry) {
            remove(entry)
            entries[entry.target, default: []].append(entry)
            cost += entry.cost
        }

        /// Removes what answers the same requests as `entry`.
        mutating func remove(_ entry: Entry) {
            guard var known = entries[entry.target] else { return }
            known.removeAll { other in
                guard
                    !other.target.utf8.elementsEqual(entry.target.utf8)
                        || (other.variant == entry.variant && other.accepted == entry.accepted)
                else { return false }
                cost -= other.cost
                return true
            }
            entries[entry.target] = known.isEmpty ? nil : known
        }

        /// Makes room for `cost` bytes: first by what is dead, then by everything.
        mutating func makeRoom(for cost: Int, limit: Int) {
            guard self.cost + cost > limit else { return }
            entries = entries.compactMapValues { known in
                let living = known.filter { $0.body.bytes != nil }
                return living.isEmpty ? nil : living
            }
            self.cost = entries.values.reduce(0) { $1.reduce($0) { $0 + $1.cost } }
            // Going through them all each time would cost more than making them again.
            guard self.cost + cost > limit / 2 else { return }
            entries.removeAll()
            self.cost = 0
        }
    }

    private static let longestTarget = 2048
    /// Header fields that make a read anything but plain.
    private static let qualifiers = [
        "range", "if-none-match", "if-modified-since", "if-range", "if-match", "if-unmodified-since",
    ]

    private let audience: Audience
    private let state = Mutex(State())

    public init(for audience: Audience = .everybody) { self.audience = audience }

    /// What the answers cost to keep, in bytes.
    var cost: Int { state.withLock { $0.cost } }

    /// Keeps the answer to a plain read for the next time.
    /// - Parameters:
    ///   - variant: what else than the target the answer depends on, if anything; one of few.
    ///   - requestIDField: a further field that names the request, in lower case.
    func remember(
        _ delivered: Delivered, headers: HTTPFields, answering request: Request, variant: String = "",
        requestIDField: String? = nil, by frontend: String, operation: String, in storage: Storage
    ) {
        // Of the cached object that was delivered: the headers may not fit the one that is there now.
        guard let cached = delivered.cached, audience == .unboundRole || cached.object.bucket.isPublic,
            let target = Self.plainTarget(of: request), !target.contains("?"), let bytes = cached.body.bytes
        else { return }
        let head = HTTPResponse(status: .ok, headerFields: headers)
        var answer = HotAnswer(head: head, body: bytes, frontend: frontend, operation: operation)
        answer.requestIDField = requestIDField
        answer.bucket = cached.object.record.address.bucket
        add(
            Entry(target: target, variant: variant, accepted: nil, body: cached.body, answer: answer.with(body: .init())), storage
        )
    }

    /// Keeps the answer to a plain read of an image for the next time, whatever the target's query says: only for targets that
    /// carry no right of their own.
    ///
    /// - Parameter headers: with those that say of which formats the answer is one.
    func remember(
        _ variant: DeliveredVariant, headers: HTTPFields, answering request: Request, by frontend: String, operation: String,
        in storage: Storage
    ) {
        guard let body = variant.body, audience == .unboundRole || variant.object.bucket.isPublic, variant.isCached,
            case .full = variant.outcome, let target = Self.plainTarget(of: request), let bytes = body.bytes
        else { return }
        let head = HTTPResponse(status: .ok, headerFields: headers)
        var answer = HotAnswer(head: head, body: bytes, frontend: frontend, operation: operation)
        answer.bucket = variant.object.record.address.bucket
        let accepted = variant.variesByAccept ? request.acceptedFormats : nil
        add(Entry(target: target, variant: "", accepted: accepted, body: body, answer: answer.with(body: .init())), storage)
    }

    /// Nil for a request whose answer is only its own.
    private static func plainTarget(of request: Request) -> String? {
        guard request.method == .get, let target = request.head.path, target.utf8.count <= longestTarget,
            // Headers may depend on them, even where the answer is the whole object.
            !request.headers.contains(where: { qualifiers.contains($0.name.canonicalName) })
        else { return nil }
        return target
    }

    private func add(_ entry: Entry, _ storage: Storage) {
        let limit = storage.cache.answerCapacity
        guard entry.cost <= limit / 16 else { return }
        state.withLock { state in
            state.makeRoom(for: entry.cost, limit: limit)
            state.add(entry)
        }
    }

    /// The answer to `request`, when it is a plain GET of an object that has not changed since.
    public func answer(to request: HotRequest, variant: String = "") -> HotAnswer? {
        guard !request.isHEAD else { return nil }
        let found = state.withLock { state -> HotAnswer? in
            guard let known = state.entries[request.target], let entry = known.first(where: { $0.answers(request, variant) })
            else {
                return nil
            }
            guard let body = entry.body.bytes else {
                state.remove(entry)
                return nil
            }
            return entry.answer.with(body: body)
        }
        guard let found, !request.contains(anyOf: Self.qualifiers) else { return nil }
        return found
    }
}
