// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// An object, or a range of it, opened for reading.
struct RemoteObject: Sendable {
    var extent: ObjectExtent
    /// The answer that was opened.
    let response: HTTPClientResponse
    /// Of the bytes to come, where the service says it.
    let checksum: ChecksumValue?
    /// Opens the rest of the same object from an offset on. Nil where it can't be known whether the object is the same.
    let reopen: Reopen?

    typealias Reopen = @Sendable (Int64) async throws -> HTTPClientResponse
}

/// The bytes of an object, pulled from the service as they are wanted. A connection that breaks is replaced by another one that goes
/// on where the first stopped, as long as the object is the same. Bytes that are not those of the checksum end in an error.
struct ServiceBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let object: RemoteObject
    let limits: RemoteLimits

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(
            body: self, chunks: object.response.body.makeAsyncIterator(), offset: object.extent.range.lowerBound,
            checksum: object.checksum.map { Checksum($0.algorithm) })
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let body: ServiceBody
        var chunks: HTTPClientResponse.Body.AsyncIterator
        var offset: Int64
        var checksum: Checksum?
        /// Since bytes came as they should.
        var failures = 0
        /// What was waited for bytes, and how many came, since the last time that it was judged.
        var waited = Duration.zero
        var came = 0

        private var end: Int64 { body.object.extent.range.upperBound }

        mutating func next() async throws -> ByteBuffer? {
            while offset < end {
                do {
                    let chunk = try await pull()
                    offset += Int64(chunk.readableBytes)
                    checksum?.update(chunk)
                    // Before the last bytes are given away: who has all of them takes them for whole.
                    if offset == end { try verify() }
                    if chunk.readableBytes > 0 { return chunk }
                } catch {
                    try await resume(after: error)
                }
            }
            return nil
        }

        private mutating func pull() async throws -> ByteBuffer {
            let start = ContinuousClock.now
            let next = try await chunks.next()
            waited += ContinuousClock.now - start
            guard let chunk = next else { throw ServiceFailure(.transport("the answer ended before its announced length")) }
            guard Int64(chunk.readableBytes) <= end - offset else {
                throw ServiceFailure(.malformed("the answer is longer than announced"))
            }
            came += chunk.readableBytes
            try judge(isLast: Int64(chunk.readableBytes) == end - offset)
            return chunk
        }

        /// A service that sends a byte now and then never pauses for long, and never ends.
        private mutating func judge(isLast: Bool) throws {
            if came >= body.limits.leastBytesPerPause {
                (waited, came, failures) = (.zero, 0, 0)
            } else if waited >= body.limits.idleTimeout, !isLast {
                throw ServiceFailure(.late("its bytes come too slowly"))
            }
        }

        private func verify() throws {
            guard let wanted = body.object.checksum, let checksum else { return }
            guard checksum.value == wanted else { throw ServiceFailure(.damaged).storageError }
        }

        private mutating func resume(after error: any Error) async throws {
            if Task.isCancelled { throw CancellationError() }
            if let error = error as? StorageError { throw error }
            let failure = ServiceFailure(transport: error)
            failures += 1
            guard failure.isTransient, let reopen = body.object.reopen, failures < body.limits.retries.attempts else {
                throw failure.storageError
            }
            try await Task.sleep(for: body.limits.retries.pause(after: failures))
            do {
                let response = try await reopen(offset)
                guard try ObjectExtent(response.headers, isRange: true).range == offset..<end else {
                    throw ServiceFailure(.malformed("a range was answered with another one"))
                }
                chunks = response.body.makeAsyncIterator()
                (waited, came) = (.zero, 0)
            } catch let failure as ServiceFailure {
                throw failure.storageError
            }
        }
    }
}

/// Which part of an object an answer holds. RFC 9110 §14.4.
struct ObjectExtent: Hashable {
    /// Of the whole object, in bytes.
    var size: Int64
    var range: Range<Int64>

    var isWhole: Bool { range == 0..<size }

    /// - Throws: `ServiceFailure` for an answer that does not say so.
    init(_ headers: HTTPHeaders, isRange: Bool) throws(ServiceFailure) {
        guard isRange else {
            guard let size = headers.first(name: "content-length").flatMap({ Int64($0) }), size >= 0 else {
                throw ServiceFailure(.malformed("an object without a length"))
            }
            self.init(size: size, range: 0..<size)
            return
        }
        // The field decides and not the status: one service says 200 to all that it sends.
        guard let field = headers.first(name: "content-range"), let extent = Self.parsed(field)
        else { throw ServiceFailure(.malformed("a range was answered with all bytes, or without saying which")) }
        self = extent
    }

    private init(size: Int64, range: Range<Int64>) {
        self.size = size
        self.range = range
    }

    /// Reads `bytes 0-9/100`.
    private static func parsed(_ field: String) -> ObjectExtent? {
        let numbers = field.split { !$0.isASCII || !$0.isNumber }.compactMap { Int64($0) }
        guard field.hasPrefix("bytes "), numbers.count == 3, numbers[0] <= numbers[1], numbers[1] < numbers[2] else { return nil }
        return ObjectExtent(size: numbers[2], range: numbers[0]..<(numbers[1] + 1))
    }
}

extension ByteRange {
    /// The value of `Range`. RFC 9110 §14.1.2.
    var fieldValue: String {
        switch self {
        case .closed(let range): "bytes=\(range.lowerBound)-\(range.upperBound)"
        case .from(let start): "bytes=\(start)-"
        case .last(let count): "bytes=-\(count)"
        }
    }
}
