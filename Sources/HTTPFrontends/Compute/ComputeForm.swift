// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import NIOCore
import WireFormats

/// The form around an image: one part named `file`. Everything else in it is read and dropped.
struct ComputeForm {
    /// The file: what its first bytes show, and all of its bytes, as they arrive.
    struct File {
        var mediaType: String
        var body: ByteStream
    }

    private static let name = "file"
    private static let location = ["body", "file"]
    private static let maxParts = 16
    private static let maxFieldBytes = 64 << 10

    private let reader: ComputeFormReader
    /// Of the file, in bytes.
    private let limit: Int64

    /// - Throws: `ComputeProblem` for a body that is no form (which has no file, then), or has no boundary.
    init(contentType: String?, body: ByteStream, limit: Int64) throws(ComputeProblem) {
        guard let contentType, MultipartBoundary.isForm(contentType: contentType) else { throw Self.missing }
        let boundary: MultipartBoundary
        do { boundary = try MultipartBoundary(contentType: contentType) } catch {
            throw ComputeProblem(.badRequest, "Missing boundary in multipart.")
        }
        reader = ComputeFormReader(
            events: FormEvents(
                boundary: boundary, limits: .init(parts: Self.maxParts, fieldBytes: Self.maxFieldBytes), body: body))
        self.limit = limit
    }

    /// Reads up to the file and the bytes that show what it is.
    /// - Throws: `ComputeProblem`; what the body throws.
    func file() async throws -> File {
        var text: String?
        while let event = try await reader.next() {
            guard case .part(let part) = event, part.name == Self.name else { continue }
            guard part.isFile else {
                text = try await reader.text()
                continue
            }
            let head = try await reader.head()
            let chunks = ComputeFileBytes(reader: reader, head: head, limit: limit)
            return File(
                mediaType: SniffedType.mediaType(of: head.flatMap(\.readableBytesView)),
                body: ByteStream(length: nil, chunks: chunks))
        }
        throw text.map(Self.noFile) ?? Self.missing
    }

    private static var missing: ComputeProblem {
        ComputeProblem(invalid: [InvalidPart("missing", at: location, "Field required")])
    }

    private static func noFile(_ text: String) -> ComputeProblem {
        ComputeProblem(
            invalid: [
                InvalidPart(
                    "value_error", at: location, "Value error, Expected UploadFile, received: <class 'str'>", input: text,
                    context: .error)
            ])
    }
}

/// Pulls the events of the form out of its body.
private final class ComputeFormReader: @unchecked Sendable {
    // Sendable: used by one task at a time. The request's task reads up to the file and hands the stream of its bytes to the core,
    // which consumes it once.
    private var events: FormEvents
    private(set) var isFileOver = false

    init(events: FormEvents) { self.events = events }

    /// The next event. Nil once the whole body was read.
    func next() async throws -> MultipartFormParser.Event? {
        do { return try await events.next() } catch is MultipartFormError { throw ComputeProblem.unreadableBody }
    }

    /// The rest of the text field begun last, which the parser keeps short.
    func text() async throws -> String {
        var bytes: [UInt8] = []
        while let event = try await next() {
            switch event {
            case .body(let piece): bytes += piece.readableBytesView
            case .partEnd: return String(decoding: bytes, as: UTF8.self)
            case .part, .end: break
            }
        }
        throw ComputeProblem.unreadableBody
    }

    /// The first pieces of the file begun last: enough to see what it is, or all there are.
    func head() async throws -> [ByteBuffer] {
        var pieces: [ByteBuffer] = []
        var count = 0
        while count < MediaKind.headLength, let piece = try await fileBytes() {
            pieces.append(piece)
            count += piece.readableBytes
        }
        return pieces
    }

    /// The next bytes of the file. Nil at its end, when the rest of the form was read too.
    func fileBytes() async throws -> ByteBuffer? {
        guard !isFileOver else { return nil }
        while let event = try await next() {
            switch event {
            case .body(let bytes): return bytes
            case .partEnd:
                isFileOver = true
                // A form that breaks off behind the file may have lost bytes on the way.
                while try await next() != nil {}
                return nil
            case .part, .end: break
            }
        }
        throw ComputeProblem.unreadableBody
    }
}

/// The bytes of the file, those first that were looked at.
private struct ComputeFileBytes: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let reader: ComputeFormReader
    let head: [ByteBuffer]
    let limit: Int64

    struct AsyncIterator: AsyncIteratorProtocol {
        let reader: ComputeFormReader
        var head: ArraySlice<ByteBuffer>
        var left: Int64

        mutating func next() async throws -> ByteBuffer? {
            var piece = head.popFirst()
            if piece == nil { piece = try await reader.fileBytes() }
            left -= Int64(piece?.readableBytes ?? 0)
            guard left >= 0 else { throw StorageError.tooLarge("file") }
            return piece
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader, head: head[...], left: limit) }
}
