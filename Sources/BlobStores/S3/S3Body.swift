// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// The bytes of a key, pulled from the service as they are wanted. A connection that breaks is replaced by another one that goes on
/// where the first stopped, as long as the object is the same.
struct S3Body: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let service: S3Service
    let key: String
    /// The object's entity tag: what is read later has to be of the same object.
    let tag: String?
    /// What is to come.
    let range: Range<Int64>
    /// The answer that was opened.
    let response: HTTPClientResponse

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(body: self, chunks: response.body.makeAsyncIterator(), offset: range.lowerBound)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let body: S3Body
        var chunks: HTTPClientResponse.Body.AsyncIterator
        var offset: Int64
        /// Since bytes came last.
        var failures = 0

        mutating func next() async throws -> ByteBuffer? {
            while offset < body.range.upperBound {
                do {
                    guard let chunk = try await chunks.next() else {
                        throw S3Failure(.transport("the answer ended before its announced length"))
                    }
                    guard Int64(chunk.readableBytes) <= body.range.upperBound - offset else {
                        throw S3Failure(.malformed("the answer is longer than announced"))
                    }
                    offset += Int64(chunk.readableBytes)
                    if chunk.readableBytes > 0 {
                        failures = 0
                        return chunk
                    }
                } catch {
                    try await resume(after: error)
                }
            }
            return nil
        }

        private mutating func resume(after error: any Error) async throws {
            if Task.isCancelled { throw CancellationError() }
            let failure = S3Failure(transport: error)
            failures += 1
            guard failure.isTransient, body.tag != nil, failures < body.service.configuration.retries.attempts else {
                throw failure.storageError
            }
            try await Task.sleep(for: body.service.configuration.retries.pause(after: failures))
            do {
                chunks = try await body.reopened(at: offset).body.makeAsyncIterator()
            } catch let failure as S3Failure {
                throw failure.storageError
            }
        }
    }

    private func reopened(at offset: Int64) async throws -> HTTPClientResponse {
        var fields = [NamedValue("range", "bytes=\(offset)-\(range.upperBound - 1)")]
        if let tag { fields.append(NamedValue("if-match", tag)) }
        let response = try await service.open(S3Request(.GET, key, fields: fields))
        guard try S3Extent(response, isRange: true).range == offset..<range.upperBound else {
            throw S3Failure(.malformed("a range was answered with another one"))
        }
        return response
    }
}

/// Which part of an object an answer holds. RFC 9110 §14.4.
struct S3Extent {
    /// Of the whole object, in bytes.
    var size: Int64
    var range: Range<Int64>

    /// - Throws: `S3Failure` for an answer that does not say so.
    init(_ response: HTTPClientResponse, isRange: Bool) throws(S3Failure) {
        guard isRange else {
            guard let size = response.headers.first(name: "content-length").flatMap({ Int64($0) }), size >= 0 else {
                throw S3Failure(.malformed("an object without a length"))
            }
            self.init(size: size, range: 0..<size)
            return
        }
        // The field decides and not the status: one service says 200 to all that it sends.
        guard let field = response.headers.first(name: "content-range"), let extent = Self.parsed(field)
        else { throw S3Failure(.malformed("a range was answered with all bytes, or without saying which")) }
        self = extent
    }

    private init(size: Int64, range: Range<Int64>) {
        self.size = size
        self.range = range
    }

    /// Reads `bytes 0-9/100`.
    private static func parsed(_ field: String) -> S3Extent? {
        let numbers = field.split { !$0.isASCII || !$0.isNumber }.compactMap { Int64($0) }
        guard field.hasPrefix("bytes "), numbers.count == 3, numbers[0] <= numbers[1], numbers[1] < numbers[2] else { return nil }
        return S3Extent(size: numbers[2], range: numbers[0]..<(numbers[1] + 1))
    }
}
