// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import WireFormats

/// What the text fields of a form have said so far, as a dialect knows them.
protocol FormTexts: Sendable {
    /// The longest value of a field, in bytes.
    func limit(of name: String) -> Int

    /// Takes a field. - Parameter value: nil for one that is longer than its limit.
    mutating func set(_ name: String, _ value: [UInt8]?) throws

    /// The header of the file's part.
    mutating func begin(_ file: MultipartPartHeader)

    /// A malformed form, in the dialect's words.
    static func error(_ error: MultipartFormError) -> any Error
}

/// A form that brings one file: text fields before and behind it, in any order, the file streamed as it arrives.
///
/// The file is the first part with a file name, or without a name. Further files are passed over.
struct StreamedForm<Texts: FormTexts> {
    /// The file, and what is said of it.
    struct File: Sendable {
        var body: ByteStream
        /// What stood in front of the file.
        var texts: Texts
        /// All that the form said, once the body has ended.
        var late: @Sendable () -> Texts
    }

    private let reader: FormReader<Texts>
    private let texts: Texts

    /// - Parameters:
    ///   - texts: nothing said yet.
    ///   - maxParts: fields and files.
    ///   - maxFieldBytes: of any one field.
    init(boundary: MultipartBoundary, body: ByteStream, texts: Texts, maxParts: Int, maxFieldBytes: Int) {
        self.texts = texts
        reader = FormReader(
            events: FormEvents(boundary: boundary, limits: .init(parts: maxParts, fieldBytes: maxFieldBytes), body: body))
    }

    /// Reads up to the file's first byte. Nil for a form without a file.
    /// - Throws: `Texts.error`; what `Texts.set` and the body throw.
    func file() async throws -> File? {
        var texts = texts
        while let event = try await reader.next() {
            guard case .part(let part) = event else { continue }
            guard part.isFile else {
                try texts.set(part.name, try await reader.text(upTo: texts.limit(of: part.name)))
                continue
            }
            texts.begin(part)
            let early = texts
            let chunks = FormFile(reader: reader, texts: early)
            return File(
                body: ByteStream(length: nil, chunks: chunks), texts: early, late: { [reader] in reader.lateTexts ?? early })
        }
        return nil
    }
}

/// The bytes of the form's file. Once they are read, the fields behind it are too.
private struct FormFile<Texts: FormTexts>: AsyncSequence, Sendable {
    typealias Failure = any Error
    let reader: FormReader<Texts>
    let texts: Texts

    struct AsyncIterator: AsyncIteratorProtocol {
        let reader: FormReader<Texts>
        let texts: Texts
        var isOver = false

        mutating func next() async throws -> ByteBuffer? {
            guard !isOver else { return nil }
            while let event = try await reader.next() {
                switch event {
                case .body(let bytes): return bytes
                case .partEnd:
                    isOver = true
                    try await reader.readRest(after: texts)
                    return nil
                case .part, .end: break
                }
            }
            throw Texts.error(.truncated)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader, texts: texts) }
}

/// Pulls the events of a form out of its body.
private final class FormReader<Texts: FormTexts>: @unchecked Sendable {
    // Sendable: used by one task at a time. The request's task reads up to the file, hands the file's stream to the core, which
    // consumes it once, and asks for the late texts after its end.
    private var events: FormEvents
    private(set) var lateTexts: Texts?

    init(events: FormEvents) { self.events = events }

    /// The next event. Nil once the whole body was read.
    func next() async throws -> MultipartFormParser.Event? {
        do { return try await events.next() } catch let error as MultipartFormError { throw Texts.error(error) }
    }

    /// The rest of the part begun last. Nil when it is longer than `limit`.
    func text(upTo limit: Int) async throws -> [UInt8]? {
        var value: [UInt8] = []
        while let event = try await next() {
            switch event {
            case .body(let bytes):
                guard value.count + bytes.readableBytes <= limit else { return nil }
                value += bytes.readableBytesView
            case .partEnd: return value
            case .part, .end: break
            }
        }
        throw Texts.error(.truncated)
    }

    /// Reads the fields behind the file, up to the end of the body.
    func readRest(after texts: Texts) async throws {
        var texts = texts
        while let event = try await next() {
            guard case .part(let part) = event, !part.isFile else { continue }
            try texts.set(part.name, try await text(upTo: texts.limit(of: part.name)))
        }
        lateTexts = texts
    }
}
