// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore
import Synchronization
import WireFormats

/// Counts and digests bytes on their way into a store and stops them at the limit.
///
/// The digests are computed while the store writes what came before, so they cost no extra pass. Those of a large body are computed in a
/// task of their own, beside whatever else is computed of it on its way here: MD5 alone takes longer than all the rest. A small body waits
/// for its MD5 until it has ended, to be digested side by side with others.
final class MeteredBody: Sendable {
    private struct Digests: Sendable {
        var md5 = Insecure.MD5()
        var crc = Checksum(.crc64nvme)

        mutating func update(_ chunk: ByteBuffer) {
            chunk.withUnsafeReadableBytes { bytes in
                md5.update(bufferPointer: bytes)
                crc.update(bytes)
            }
        }

        mutating func updateAllButMD5(_ chunk: ByteBuffer) { chunk.withUnsafeReadableBytes { crc.update($0) } }

        func updated(with chunks: [ByteBuffer]) -> Digests {
            var digests = self
            for chunk in chunks { digests.update(chunk) }
            return digests
        }
    }

    /// How the digests of a body are computed.
    private enum Way {
        /// Where it passes: it is so small that anything else only costs time.
        case atOnce
        /// MD5 at the end, in the line.
        case together
        /// By tasks of their own.
        case inTasks

        init(length: Int64?) {
            switch length {
            case .some(..<MeteredBody.leastTogether): self = .atOnce
            case .some(...MeteredBody.mostTogether) where MD5Lanes.most > 1: self = .together
            case .some(..<MeteredBody.leastLargeBytes): self = .atOnce
            default: self = .inTasks
            }
        }
    }

    private struct State {
        var size: Int64 = 0
        /// Of all but what is gathered and what a task digests.
        var digests = Digests()
        /// Digests what was gathered before.
        var digesting: Task<Digests, Never>?
        var gathered: [ByteBuffer] = []
        var gatheredBytes = 0
        /// All of a body that is digested together with others.
        var kept = ByteBuffer()
    }

    /// How much of a large body one task digests, in bytes. At most twice as much waits for its digests.
    private static let gatheredBytes = 256 * 1024
    /// Below this size, in bytes, a body is digested where it passes: a task would only cost time.
    private static let leastLargeBytes: Int64 = 1024 * 1024
    /// What is digested side by side with others is kept until its end: from so many bytes to so many.
    private static let leastTogether: Int64 = 16 * 1024
    private static let mostTogether: Int64 = 256 * 1024

    private let state = Mutex(State())
    private let limit: Int64
    private let line: DigestLine

    /// - Parameters:
    ///   - limit: in bytes.
    ///   - line: that of all bodies.
    init(limit: Int64, line: DigestLine) {
        self.limit = limit
        self.line = line
    }

    /// `body` with every byte passing through this meter.
    func stream(_ body: ByteStream) -> ByteStream {
        ByteStream(length: body.length, chunks: Metered(meter: self, base: body, way: Way(length: body.length)))
    }

    /// What passed: asked once, after the stream ended. The checksums are in base64 by the names of their algorithms.
    func finish() async -> (size: Int64, md5: String, checksums: [String: String]) {
        await settle()
        let (size, digests, kept) = state.withLock { state in
            (state.size, state.digests.updated(with: state.gathered), state.kept)
        }
        let crc = digests.crc.value
        let md5 = kept.readableBytes > 0 ? await line.md5(kept) : Array(digests.md5.finalize())
        return (size, Hexadecimal.encode(md5), [crc.algorithm.name: crc.base64])
    }

    private func take(_ chunk: ByteBuffer) throws {
        try state.withLock { state in
            try count(chunk, &state)
            state.digests.update(chunk)
        }
    }

    /// As `take`, but leaves MD5 to the end.
    private func keep(_ chunk: ByteBuffer, of length: Int64?) throws {
        try state.withLock { state in
            try count(chunk, &state)
            // What is kept must not grow past what was announced.
            guard state.size <= length ?? 0 else {
                throw StorageError(.lengthMismatch, "The body is longer than was announced")
            }
            state.digests.updateAllButMD5(chunk)
            if state.kept.readableBytes == 0 {
                state.kept = chunk
            } else {
                state.kept.reserveCapacity(
                    minimumWritableBytes: Int(clamping: (length ?? 0) + Int64(chunk.readableBytes) - state.size))
                state.kept.writeImmutableBuffer(chunk)
            }
        }
    }

    /// As `take`, but leaves the digests to a task once there is enough for one. Waits for the task before that.
    private func gather(_ chunk: ByteBuffer) async throws {
        let isEnough = try state.withLock { state in
            try count(chunk, &state)
            state.gathered.append(chunk)
            state.gatheredBytes += chunk.readableBytes
            return state.gatheredBytes >= Self.gatheredBytes
        }
        guard isEnough else { return }
        await settle()
        state.withLock { state in
            // Owned by the state, and bounded by what it is given: it ends by itself where the body breaks off.
            state.digesting = Task { [digests = state.digests, chunks = state.gathered] in digests.updated(with: chunks) }
            state.gathered = []
            state.gatheredBytes = 0
        }
    }

    private func count(_ chunk: ByteBuffer, _ state: inout State) throws {
        state.size += Int64(chunk.readableBytes)
        guard state.size <= limit else { throw StorageError.tooLarge() }
    }

    /// Takes over what the task digests.
    private func settle() async {
        guard let digests = await state.withLock({ $0.digesting })?.value else { return }
        state.withLock { state in
            state.digests = digests
            state.digesting = nil
        }
    }

    private struct Metered: AsyncSequence, Sendable {
        typealias Failure = any Error
        let meter: MeteredBody
        let base: ByteStream
        let way: Way

        struct AsyncIterator: AsyncIteratorProtocol {
            let meter: MeteredBody
            var base: any AsyncIteratorProtocol<ByteBuffer, any Error>
            let length: Int64?
            let way: Way

            mutating func next() async throws -> ByteBuffer? {
                guard let chunk = try await base.next(isolation: nil) else { return nil }
                switch way {
                case .atOnce: try meter.take(chunk)
                case .together: try meter.keep(chunk, of: length)
                case .inTasks: try await meter.gather(chunk)
                }
                return chunk
            }
        }

        func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(meter: meter, base: Self.iterator(base.chunks), length: base.length, way: way)
        }

        private static func iterator(
            _ chunks: some AsyncSequence<ByteBuffer, any Error>
        ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }
    }
}
