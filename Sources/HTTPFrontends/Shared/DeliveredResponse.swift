// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import Hummingbird
public import MediaCore
import NIOCore

extension Response {
    /// Up to this size a file is read whole before the response begins: one write, and an error can still become an answer.
    static let wholeFileLimit = 64 << 10
    /// How much of a larger file is in memory at a time, where the kernel does not send it.
    static let chunkSize = 256 << 10

    /// A response whose body is a blob's content, with its Content-Length set.
    ///
    /// Small files are read at once. Larger ones are sent by the kernel where the listener allows that, and otherwise in chunks,
    /// each read when the one before has left. The file stays open until the last byte is sent or the connection is gone.
    /// - Throws: `StorageError` `.blobMissing` when the file is shorter than its record says, `.backendUnavailable` when the disk
    ///   fails.
    public static func delivering(
        _ content: BlobContent, status: HTTPResponse.Status, headers: HTTPFields, to request: Request,
        _ context: MagpieRequestContext
    ) async throws -> Response {
        var headers = headers
        headers[.contentLength] = String(content.range.count)
        guard request.method != .head, !content.range.isEmpty else { return Response(status: status, headers: headers) }
        switch content.source {
        case .buffer(let buffer):
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: buffer))
        case .file(let file):
            let part = FilePart(file: file, range: content.range)
            // The kernel would wait for ever for the bytes that a file lacks.
            guard try FileReading.size(of: file) >= content.range.upperBound else {
                throw FileReading.incomplete
            }
            if part.range.count <= wholeFileLimit {
                return Response(
                    status: status, headers: headers, body: ResponseBody(byteBuffer: try await FileReading.read(part)))
            }
            context.trace.file = part
            return Response(status: status, headers: headers, body: body(of: part, context))
        case .stream(let stream):
            return Response(status: status, headers: headers, body: body(of: stream, length: content.range.count, context))
        }
    }

    private static func body(of part: FilePart, _ context: MagpieRequestContext) -> ResponseBody {
        ResponseBody(contentLength: part.range.count) { writer in
            var offset = part.range.lowerBound
            while offset < part.range.upperBound {
                let end = min(offset + Int64(chunkSize), part.range.upperBound)
                let chunk: ByteBuffer
                do {
                    chunk = try await FileReading.read(FilePart(file: part.file, range: offset..<end))
                } catch {
                    context.trace.failBody(error)
                    throw error
                }
                try await writer.write(chunk)
                offset = end
            }
            try await writer.finish(nil)
        }
    }

    private static func body(of stream: ByteStream, length: Int, _ context: MagpieRequestContext) -> ResponseBody {
        ResponseBody(contentLength: length) { writer in
            var left = length
            var chunks = stream.chunks.makeAsyncIterator()
            while left > 0 {
                let chunk = try await next(&chunks, atMost: left, context)
                left -= chunk.readableBytes
                try await writer.write(chunk)
            }
            try await writer.finish(nil)
        }
    }

    /// One chunk of a backend's stream. More bytes than were announced would be read as the next response by the client,
    /// fewer would leave it waiting: either ends the connection.
    private static func next(
        _ chunks: inout any AsyncIteratorProtocol<ByteBuffer, any Error>, atMost left: Int, _ context: MagpieRequestContext
    ) async throws -> ByteBuffer {
        do {
            guard let chunk = try await chunks.next(isolation: nil), chunk.readableBytes <= left else {
                throw StorageError(.backendUnavailable, "The backend sent another number of bytes than it announced")
            }
            return chunk
        } catch {
            context.trace.failBody(error)
            throw error
        }
    }
}
