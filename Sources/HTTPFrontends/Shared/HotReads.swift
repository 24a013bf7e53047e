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

    private struct Entry {
        /// As it was sent. The dictionary takes canonically equivalent texts for one; these bytes decide.
        let target: String
        /// Tells answers to one target apart.
        let variant: String
        /// The cache's own: it becomes empty with the object behind it. The object itself would be kept alive by holding it.
        let body: CachedBody
        /// Without its body.
        let answer: HotAnswer

        /// What it costs to keep, in bytes.
        var cost: Int { 512 + target.utf8.count + answer.head.storageCapacity }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Of all entries.
        var cost = 0

        mutating func set(_ entry: Entry?, for target: String) {
            cost += (entry?.cost ?? 0) - (entries[target]?.cost ?? 0)
            entries[target] = entry
        }

        /// Makes room for `cost` bytes: first by what is dead, then by everything.
        mutating func makeRoom(for cost: Int, limit: Int) {
            guard self.cost + cost > limit else { return }
            entries = entries.filter { $0.value.body.bytes != nil }
            self.cost = entries.values.reduce(0) { $0 + $1.cost }
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
    ///   - variant: what else than the target the answer depends on, if anything. The last one remembered stays.
    ///   - requestIDField: a further field that names the request, in lower case.
    func remember(
        _ delivered: Delivered, headers: HTTPFields, answering request: Request, variant: String = "",
        requestIDField: String? = nil, by frontend: String, operation: String, in storage: Storage
    ) {
        // Of the cached object that was delivered: the headers may not fit the one that is there now.
        guard request.method == .get, let target = request.head.path, !target.contains("?"),
            target.utf8.count <= Self.longestTarget,
            // Headers may depend on them, even where the answer is the whole object.
            !request.headers.contains(where: { Self.qualifiers.contains($0.name.canonicalName) }),
            let cached = delivered.cached, audience == .unboundRole || cached.object.bucket.isPublic, let body = cached.body.bytes
        else { return }
        let head = HTTPResponse(status: .ok, headerFields: headers)
        var answer = HotAnswer(head: head, body: body, frontend: frontend, operation: operation).with(body: .init())
        answer.requestIDField = requestIDField
        let entry = Entry(target: target, variant: variant, body: cached.body, answer: answer)
        let limit = storage.cache.answerCapacity
        guard entry.cost <= limit / 16 else { return }
        state.withLock { state in
            state.makeRoom(for: entry.cost, limit: limit)
            state.set(entry, for: target)
        }
    }

    /// The answer to `request`, when it is a plain GET of an object that has not changed since.
    public func answer(to request: HotRequest, variant: String = "") -> HotAnswer? {
        guard !request.isHEAD else { return nil }
        let found = state.withLock { state -> HotAnswer? in
            guard let entry = state.entries[request.target], entry.target.utf8.elementsEqual(request.target.utf8),
                entry.variant == variant
            else {
                return nil
            }
            guard let body = entry.body.bytes else {
                state.set(nil, for: request.target)
                return nil
            }
            return entry.answer.with(body: body)
        }
        guard let found, !request.contains(anyOf: Self.qualifiers) else { return nil }
        return found
    }
}
