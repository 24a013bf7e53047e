// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import WireFormats

/// Where bodies of about the same size wait for a moment to be digested side by side.
///
/// Nobody waits for company: who comes to an empty line is digested as soon as a thread has time, with all who came until then. So the
/// line is longest when the processor is busiest, which is when it pays.
final class DigestLine: Sendable {
    private struct Waiting {
        var body: ByteBuffer
        var continuation: CheckedContinuation<[UInt8], Never>
    }

    private struct State {
        var line: [Waiting] = []
        var isServed = false
    }

    private let state = Mutex(State())

    /// The MD5 of a body. Not ended by cancellation: it takes less than a millisecond.
    func md5(_ body: ByteBuffer) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                state.line.append(Waiting(body: body, continuation: continuation))
                defer { state.isServed = true }
                return !state.isServed
            }
            // Owned by the line, and it ends with it: once nobody waits.
            if isFirst { Task { await serve() } }
        }
    }

    private func serve() async {
        while case let next = takeNext(), !next.isEmpty {
            for (waiting, digest) in zip(next, MD5Lanes.digests(of: next.map(\.body))) {
                waiting.continuation.resume(returning: digest)
            }
            // Those who can go on go first: they may be on their way here.
            await Task.yield()
        }
    }

    private func takeNext() -> [Waiting] {
        state.withLock { state in
            let next = Array(state.line.prefix(MD5Lanes.most))
            state.line.removeFirst(next.count)
            state.isServed = !next.isEmpty
            return next
        }
    }
}
