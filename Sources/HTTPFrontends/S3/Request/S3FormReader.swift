// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import NIOCore
import WireFormats

/// Reads an upload by form: the fields up to the file, then the file as it arrives. What follows the file is ignored, as S3
/// has it.
final class S3FormReader: @unchecked Sendable {
    // Sendable: used by one task at a time. The request's task reads up to the file and hands the file's stream to the core, which
    // consumes it once, before the reader is asked anything again.
    private static let maxParts = 128
    private static let maxFieldBytes = 64 << 10

    private var events: FormEvents
    private var isOver = false
    /// What came before the file, its names in lower case.
    private(set) var fields: [NamedValue] = []
    /// As the client calls it, without directories.
    private(set) var fileName = ""

    init(boundary: MultipartBoundary, body: ByteStream) {
        events = FormEvents(
            boundary: boundary, limits: .init(parts: Self.maxParts, fieldBytes: Self.maxFieldBytes), body: body)
    }

    /// Reads up to the file's first byte.
    /// - Throws: `S3Error` for a form without a file or with too much before it.
    func readFields() async throws {
        var bytes = 0
        while let event = try await next() {
            guard case .part(let part) = event else { continue }
            if part.name.lowercased() == "file" {
                fileName = part.filename.map(Self.lastComponent) ?? ""
                return
            }
            let value = try await value()
            bytes += value.utf8.count + part.name.utf8.count
            guard bytes <= Self.maxFieldBytes else {
                throw S3Error(
                    .badRequest, "MaxPostPreDataLengthExceeded",
                    "Your POST request fields preceding the upload file were too large.")
            }
            fields.append(NamedValue(part.name, value))
        }
        throw S3Error.invalidArgument("file", "", "POST requires exactly one file upload per request.")
    }

    /// The file. To be read once, after `readFields`.
    /// - Parameter size: how many bytes it may have.
    func file(size: ClosedRange<Int64>) -> ByteStream { ByteStream(length: nil, chunks: File(reader: self, size: size)) }

    /// Browsers of old send the whole path.
    private static func lastComponent(_ name: String) -> String {
        name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
    }

    private func value() async throws -> String {
        var bytes: [UInt8] = []
        while let event = try await next() {
            switch event {
            case .body(let piece): bytes += piece.readableBytesView
            case .partEnd:
                guard let text = String(validating: bytes, as: UTF8.self) else { throw Self.malformed }
                return text
            case .part, .end: break
            }
        }
        throw Self.malformed
    }

    private func next() async throws -> MultipartFormParser.Event? {
        do { return try await events.next() } catch is MultipartFormError { throw Self.malformed }
    }

    /// The next bytes of the file. Nil at its end, when the rest of the body was read too.
    fileprivate func nextOfFile() async throws -> ByteBuffer? {
        guard !isOver else { return nil }
        while let event = try await next() {
            switch event {
            case .body(let bytes): return bytes
            case .partEnd:
                isOver = true
                while try await next() != nil {}
                return nil
            case .part, .end: break
            }
        }
        throw Self.malformed
    }

    private static let malformed = S3Error(
        .badRequest, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")

    private struct File: AsyncSequence, Sendable {
        typealias Failure = any Error
        let reader: S3FormReader
        let size: ClosedRange<Int64>

        struct AsyncIterator: AsyncIteratorProtocol {
            let reader: S3FormReader
            let size: ClosedRange<Int64>
            var received: Int64 = 0

            mutating func next() async throws -> ByteBuffer? {
                guard let bytes = try await reader.nextOfFile() else {
                    guard received >= size.lowerBound else {
                        throw S3Error(
                            .badRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
                    }
                    return nil
                }
                received += Int64(bytes.readableBytes)
                guard received <= size.upperBound else {
                    throw S3Error(.badRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
                }
                return bytes
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader, size: size) }
    }
}
