// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
import Hummingbird
import MediaCore
import Synchronization

/// Ready answers to plain reads of public objects, by raw request target, for the connection to give without leaving its
/// event loop.
///
/// An answer lives no longer than the core's cached object behind it: whatever makes that one invalid makes the answer go.
public final class HotReads: Sendable {
    private struct Answer {
        let cached: CachedObject
        let head: HTTPResponse
    }

    // Only references are kept here; the bytes are the cache's and go with it.
    private static let capacity = 16_384
    private static let maxTargetBytes = 2048
    /// Header fields that make a read anything but plain.
    private static let qualifiers: [HTTPField.Name] = [
        .range, .ifNoneMatch, .ifModifiedSince, .ifRange, .ifMatch, .ifUnmodifiedSince, .origin,
    ]

    private let answers = Mutex<[String: Answer]>([:])

    public init() {}

    /// Leaves the answer to a plain read for the next time.
    func remember(
        _ delivered: Delivered, at address: ObjectAddress, headers: HTTPFields, answering request: Request, in storage: Storage
    ) {
        guard request.method == .get, let target = request.head.path, !target.contains("?"), Self.isPlain(request.head),
            target.utf8.count <= Self.maxTargetBytes,
            let cached = storage.delivery.hot(address), cached.object.record.version == delivered.object.record.version,
            let length = cached.body?.readableBytes
        else { return }
        var head = HTTPResponse(status: .ok, headerFields: headers)
        head.headerFields[.contentLength] = String(length)
        answers.withLock { answers in
            if answers.count >= Self.capacity { answers = answers.filter { $0.value.cached.isValid } }
            if answers.count >= Self.capacity { answers.removeAll(keepingCapacity: true) }
            answers[target] = Answer(cached: cached, head: head)
        }
    }

    /// The answer to `request`, when it is a plain read of an object that has not changed since.
    public func answer(to request: HTTPRequest) -> HotAnswer? {
        guard request.method == .get, let target = request.path, Self.isPlain(request) else { return nil }
        return answers.withLock { answers -> HotAnswer? in
            guard let answer = answers[target] else { return nil }
            guard let body = answer.cached.body else {
                answers[target] = nil
                return nil
            }
            return HotAnswer(head: answer.head, body: body, operation: "storage.object.get_public")
        }
    }

    private static func isPlain(_ request: HTTPRequest) -> Bool {
        !request.headerFields.contains { field in qualifiers.contains(field.name) }
    }
}
