// SPDX-License-Identifier: Apache-2.0

import AsyncAlgorithms
import NIOCore
import Synchronization
import WireFormats

/// The body of a request as an upload takes it: a sender who fails, or is asked to stop, ends it early, and what came is kept.
///
/// One task owns the sender's iterator and hands chunks over one at a time, so a stop takes effect at once even while the
/// sender is silent, and no more than one chunk waits in memory. Whoever reads digests and counts on the way.
final class IncomingBytes: Sendable {
    private struct State {
        var failure: (any Error)?
        /// What was received beyond the end of the segment being read.
        var rest: ByteBuffer?
        var isAtEnd = false
        var received: Int64 = 0
        var md5 = Checksum(.md5)
        var crc = Checksum(.crc64nvme)
    }

    private let chunks = AsyncChannel<ByteBuffer>()
    private let state = Mutex(State())
    private let pump: Mutex<Task<Void, Never>?> = Mutex(nil)
    private let limit: Int64

    /// - Parameters:
    ///   - body: read from now on.
    ///   - limit: how many bytes may come. More are `.tooLarge`, and the chunk that has them is not kept.
    init(_ body: ByteStream, limit: Int64) {
        self.limit = limit
        let task = Task { await self.receive(body.chunks) }
        pump.withLock { $0 = task }
    }

    /// Ends the body. The first reason given is the one reported.
    func stop(_ reason: any Error) {
        fail(reason)
        chunks.finish()
        pump.withLock { $0 }?.cancel()
    }

    /// Returns once nobody reads from the sender any more.
    func finished() async { await pump.withLock { $0 }?.value }

    /// Why the body ended early. Nil when it ended by itself.
    var failure: (any Error)? { state.withLock { $0.failure } }

    /// Whether everything was read.
    var isAtEnd: Bool { state.withLock { $0.isAtEnd } }

    /// How many bytes were read, and their digests.
    var sum: (byteCount: Int64, md5: ChecksumValue, crc64nvme: ChecksumValue) {
        state.withLock { ($0.received, $0.md5.value, $0.crc.value) }
    }

    private func receive(_ body: some AsyncSequence<ByteBuffer, any Error>) async {
        do {
            for try await chunk in body where chunk.readableBytes > 0 {
                await chunks.send(chunk)
                if Task.isCancelled { break }
            }
            // Some streams simply end when their task is cancelled. That is no complete body.
            try Task.checkCancellation()
        } catch {
            fail(error)
        }
        chunks.finish()
    }

    private func fail(_ error: any Error) {
        state.withLock { state in
            if state.failure == nil, !state.isAtEnd { state.failure = error }
        }
    }
}

/// Reading: one reader at a time.
extension IncomingBytes {
    /// Waits for the next byte. - Returns: false when there is none.
    func hasMore() async -> Bool {
        guard let chunk = await next(upTo: .max) else { return false }
        putBack(chunk)
        return true
    }

    /// Up to `count` bytes of what has not been read yet. It never fails; `failure` says whether it was cut short.
    func segment(upTo count: Int64) -> ByteStream { ByteStream(length: nil, chunks: Segment(source: self, count: count)) }

    /// Everything, failing at the end with the reason when it was cut short.
    /// - Parameters:
    ///   - length: what the sender announced, in bytes.
    ///   - verify: asked at the end of a whole body; what it throws, the stream throws.
    func whole(length: Int64?, verify: @escaping @Sendable () async throws -> Void) -> ByteStream {
        ByteStream(length: length, chunks: Whole(source: self, verify: verify))
    }

    /// - Parameter count: more than 0.
    fileprivate func next(upTo count: Int64) async -> ByteBuffer? {
        var chunk: ByteBuffer
        guard !isAtEnd else { return nil }
        if let rest = takeRest() {
            chunk = rest
        } else {
            var iterator = chunks.makeAsyncIterator()
            guard let sent = await iterator.next() else {
                state.withLock { $0.isAtEnd = true }
                return nil
            }
            chunk = sent
        }
        let size = Int(min(Int64(chunk.readableBytes), count))
        let piece = chunk.readSlice(length: size)
        if chunk.readableBytes > 0 { putBack(chunk) }
        return piece
    }

    fileprivate func putBack(_ chunk: ByteBuffer) { state.withLock { $0.rest = chunk } }

    private func takeRest() -> ByteBuffer? {
        state.withLock { state in
            defer { state.rest = nil }
            return state.rest
        }
    }

    /// - Returns: false, and stops, when the limit is passed.
    fileprivate func count(_ chunk: ByteBuffer) -> Bool {
        let isWithinLimit = state.withLock { state in
            guard state.received + Int64(chunk.readableBytes) <= limit else {
                // What lies behind bytes that were not kept must not be either.
                state.failure = state.failure ?? StorageError.tooLarge("upload's size")
                state.isAtEnd = true
                return false
            }
            state.received += Int64(chunk.readableBytes)
            state.md5.update(chunk)
            state.crc.update(chunk)
            return true
        }
        if !isWithinLimit { stop(StorageError.tooLarge("upload's size")) }
        return isWithinLimit
    }

    private struct Segment: AsyncSequence, Sendable {
        typealias Failure = any Error
        let source: IncomingBytes
        let count: Int64

        struct AsyncIterator: AsyncIteratorProtocol {
            let source: IncomingBytes
            var left: Int64

            mutating func next() async throws -> ByteBuffer? {
                guard left > 0, let chunk = await source.next(upTo: left), source.count(chunk) else { return nil }
                left -= Int64(chunk.readableBytes)
                return chunk
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source, left: count) }
    }

    private struct Whole: AsyncSequence, Sendable {
        typealias Failure = any Error
        let source: IncomingBytes
        let verify: @Sendable () async throws -> Void

        struct AsyncIterator: AsyncIteratorProtocol {
            let source: IncomingBytes
            let verify: @Sendable () async throws -> Void

            mutating func next() async throws -> ByteBuffer? {
                if let chunk = await source.next(upTo: .max), source.count(chunk) { return chunk }
                if let failure = source.failure { throw failure }
                // A channel ends for a reader that is cancelled.
                try Task.checkCancellation()
                try await verify()
                return nil
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source, verify: verify) }
    }
}
