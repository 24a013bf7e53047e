// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import Synchronization

/// Ready answers to plain reads of public objects, by raw request target, for the connection to give without leaving its
/// event loop.
///
/// An answer lives no longer than the core's cached object behind it: whatever makes that one invalid makes the answer go.
public final class HotReads: Sendable {
    private struct Entry {
        /// As it was sent. The dictionary takes canonically equivalent texts for one; these bytes decide.
        let target: String
        let cached: CachedObject
        /// Without its body, which is the cache's and goes with it.
        let answer: HotAnswer
    }

    private static let capacity = 16_384
    private static let longestTarget = 2048
    /// Header fields that make a read anything but plain.
    private static let qualifiers = [
        "range", "if-none-match", "if-modified-since", "if-range", "if-match", "if-unmodified-since",
    ]

    private let entries = Mutex<[String: Entry]>([:])

    public init() {}

    /// Keeps the answer to a plain read for the next time.
    func remember(
        _ delivered: Delivered, headers: HTTPFields, answering request: Request, by frontend: String, operation: String,
        in storage: Storage
    ) {
        let address = delivered.object.record.address
        guard request.method == .get, let target = request.head.path, !target.contains("?"),
            target.utf8.count <= Self.longestTarget,
            let cached = storage.delivery.hot(address), cached.object.record.version == delivered.object.record.version,
            let body = cached.body
        else { return }
        let head = HTTPResponse(status: .ok, headerFields: headers)
        let answer = HotAnswer(head: head, body: body, frontend: frontend, operation: operation).with(body: .init())
        entries.withLock { entries in
            if entries.count >= Self.capacity { entries = entries.filter { $0.value.cached.isValid } }
            if entries.count >= Self.capacity { entries.removeAll(keepingCapacity: true) }
            entries[target] = Entry(target: target, cached: cached, answer: answer)
        }
    }

    /// The answer to `request`, when it is a plain GET of an object that has not changed since.
    public func answer(to request: HotRequest) -> HotAnswer? {
        guard !request.isHEAD else { return nil }
        let found = entries.withLock { entries -> HotAnswer? in
            guard let entry = entries[request.target], entry.target.utf8.elementsEqual(request.target.utf8) else { return nil }
            guard let body = entry.cached.body else {
                entries[request.target] = nil
                return nil
            }
            return entry.answer.with(body: body)
        }
        guard let found, !request.contains(anyOf: Self.qualifiers) else { return nil }
        return found
    }
}
