// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
public import MediaCore
public import NIOCore
import NIOHTTP1
import NIOHTTPTypes

extension Request {
    /// The number of bytes that the client announced. Nil for a chunked body, 0 for a request without any.
    public var announcedLength: Int64? {
        if let length = headers[.contentLength].flatMap(Int64.init) { return length }
        return headers[.transferEncoding] == nil && !isHTTP2 ? 0 : nil
    }

    /// The body as the core takes it: pulled part by part, never held whole. To be read once.
    ///
    /// A client that waits for it is told `100 Continue` when the first part is asked for, so an upload that is refused
    /// before that never starts. RFC 9110 §10.1.1.
    ///
    /// The stream throws `StorageError`: `.clientDisconnected` when the client goes away, `.invalidRequest` when it sends too
    /// slowly or something that is not a body.
    public func byteStream(_ context: MagpieRequestContext) -> ByteStream {
        ByteStream(length: announcedLength, chunks: IncomingBody(request: self, channel: context.channel))
    }

    /// The whole body, for the small ones that are parsed.
    /// - Throws: `StorageError` `.tooLarge` beyond `limit` bytes, which an announced length tells before anything is read; and
    ///   what `byteStream` throws.
    public func collect(upTo limit: Int, _ context: MagpieRequestContext) async throws -> ByteBuffer {
        if let length = announcedLength {
            guard length <= Int64(limit) else { throw StorageError.tooLarge("request body") }
            guard length > 0 else { return ByteBuffer() }
        }
        var whole = ByteBuffer()
        for try await part in byteStream(context).chunks {
            guard whole.readableBytes + part.readableBytes <= limit else { throw StorageError.tooLarge("request body") }
            whole.writeImmutableBuffer(part)
        }
        return whole
    }

    /// HTTP/2 frames bodies itself: without a length there may still be one. It only runs over TLS here, and its requests
    /// name their scheme, whereas Hummingbird calls every HTTP/1 request plain `http`.
    private var isHTTP2: Bool { head.scheme == "https" }
}

/// The parts of a body as they arrive.
private struct IncomingBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let request: Request
    let channel: (any Channel)?

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(request: request, channel: channel) }

    struct AsyncIterator: AsyncIteratorProtocol {
        private var base: RequestBody.AsyncIterator
        private let announced: Int64?
        private var waiting: (any Channel)?
        private var received: Int64 = 0

        init(request: Request, channel: (any Channel)?) {
            self.base = request.body.makeAsyncIterator()
            self.announced = request.headers[.contentLength].flatMap(Int64.init)
            self.waiting = request.headers[.expect]?.lowercased() == "100-continue" ? channel : nil
        }

        mutating func next() async throws -> ByteBuffer? {
            if let channel = waiting {
                waiting = nil
                channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil)
            }
            do {
                guard let part = try await base.next() else {
                    // Quirk: Hummingbird ends a body whose connection was lost like one that is complete.
                    if let announced, received < announced { throw StorageError.uploadInterrupted(nil) }
                    return nil
                }
                received += Int64(part.readableBytes)
                return part
            } catch let error as StorageError {
                throw error
            } catch let error as CancellationError {
                throw error
            } catch let error as HTTPParserError where error != .invalidEOFState {
                throw StorageError(.invalidRequest, "The request body is malformed", cause: error)
            } catch {
                throw StorageError.uploadInterrupted(error)
            }
        }
    }
}

extension StorageError {
    static func uploadInterrupted(_ cause: (any Error)?) -> StorageError {
        StorageError(.clientDisconnected, "The connection was closed before the request body was complete", cause: cause)
    }
}
