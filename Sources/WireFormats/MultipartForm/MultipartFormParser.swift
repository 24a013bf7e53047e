// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Reads a multipart/form-data body piece by piece. RFC 7578 and RFC 2046 §5.1.
///
/// A pure state machine: push what arrived, then take events until there are none. Whatever the sender does it keeps no
/// more than one part's header and the chunk at hand; the bytes of a part are slices of the chunks, never copied.
///
/// ```swift
/// var parser = MultipartFormParser(boundary: try MultipartBoundary(contentType: type))
/// for try await chunk in body {
///     parser.push(chunk)
///     while let event = try parser.next() { … }
/// }
/// try parser.finish()
/// ```
///
/// Lines end in CRLF only. Text before the first boundary and after the last is ignored, as RFC 2046 says. After an error
/// the parser is of no further use.
public struct MultipartFormParser: Sendable {
    /// What was found.
    public enum Event: Hashable, Sendable {
        case part(MultipartPartHeader)
        /// Bytes of the part that began last.
        case body(ByteBuffer)
        case partEnd
        /// The closing boundary. Nothing follows.
        case end
    }

    /// What a form may have.
    public struct Limits: Hashable, Sendable {
        /// The header of one part, in bytes.
        public var headerBytes: Int
        public var parts: Int
        /// A part that is no file, in bytes. Files are limited by who stores them.
        public var fieldBytes: Int

        /// - Precondition: `headerBytes` is not negative.
        public init(headerBytes: Int = 16 * 1024, parts: Int = 64, fieldBytes: Int = 1024 * 1024) {
            precondition(headerBytes >= 0)
            self.headerBytes = headerBytes
            self.parts = parts
            self.fieldBytes = fieldBytes
        }
    }

    private enum State: Hashable, Sendable {
        /// Before the first boundary.
        case preamble
        case header
        case body
        case tail(Tail)
        /// After the closing boundary.
        case epilogue
    }

    /// How far the line that begins with a boundary was read.
    private enum Tail: Hashable, Sendable {
        case start, dash, carriageReturn
        case padding(Int)
    }

    /// The most spaces behind a boundary. RFC 2046 lets gateways add some.
    private static let maxPadding = 256

    private let delimiter: BoundarySearch
    private let limits: Limits
    private var state = State.preamble
    private var input = ByteBuffer()
    /// How many bytes of the delimiter ended the last chunk.
    private var matched: Int
    private var header: [UInt8] = []
    private var isInPart = false
    private var isFile = false
    private var fieldName = ""
    private var bodyBytes = 0
    private var partCount = 0
    private var queued: Event?

    public init(boundary: MultipartBoundary, limits: Limits = Limits()) {
        self.delimiter = BoundarySearch(boundary)
        self.limits = limits
        // A body may begin with its first boundary: the line end before it is taken as read.
        self.matched = BoundarySearch.lineEndBytes
    }

    /// Adds bytes that arrived. Take all events before the next call, or the bytes are copied.
    public mutating func push(_ chunk: ByteBuffer) {
        if input.readableBytes == 0 {
            input = chunk
        } else {
            input.writeImmutableBuffer(chunk)
        }
    }

    /// The next event, or nil when more bytes are needed.
    public mutating func next() throws(MultipartFormError) -> Event? {
        if let event = queued {
            queued = nil
            return event
        }
        while input.readableBytes > 0 {
            let event: Event?
            switch state {
            case .preamble, .body: event = try readBody()
            case .tail(let tail): event = try readTail(tail)
            case .header: event = try readHeader()
            case .epilogue:
                input.moveReaderIndex(to: input.writerIndex)
                event = nil
            }
            if let event { return event }
        }
        return nil
    }

    /// Call when no more bytes will come.
    /// - Throws: `.truncated` when the closing boundary did not.
    public mutating func finish() throws(MultipartFormError) {
        guard state == .epilogue else { throw .truncated }
    }

    /// Reads up to the next boundary. What precedes the first one is dropped.
    private mutating func readBody() throws(MultipartFormError) -> Event? {
        if matched > 0 { return try continueMatch() }
        switch delimiter.find(in: input) {
        case .complete(let offset):
            state = .tail(.start)
            let bytes = input.readSlice(length: offset)
            input.moveReaderIndex(forwardBy: delimiter.bytes.count)
            return try content(bytes)
        case .partial(let offset):
            matched = input.readableBytes - offset
            let bytes = input.readSlice(length: offset)
            input.moveReaderIndex(to: input.writerIndex)
            return try content(bytes)
        case .none:
            return try content(input.readSlice(length: input.readableBytes))
        }
    }

    /// The last chunk ended in what may have been the beginning of a delimiter.
    private mutating func continueMatch() throws(MultipartFormError) -> Event? {
        let count = delimiter.agreement(with: input, from: matched)
        if count < input.readableBytes && matched + count < delimiter.bytes.count {
            // It was not: those bytes belong to the part. No shorter match can hide in them, as a delimiter has one CR.
            return try giveBack(matched)
        }
        input.moveReaderIndex(forwardBy: count)
        matched += count
        if matched == delimiter.bytes.count {
            matched = 0
            state = .tail(.start)
        }
        return nil
    }

    /// Hands out the first `count` bytes of the delimiter, which turned out to be content.
    private mutating func giveBack(_ count: Int) throws(MultipartFormError) -> Event? {
        matched = 0
        return try content(ByteBuffer(bytes: delimiter.bytes.prefix(count)))
    }

    private mutating func content(_ bytes: ByteBuffer?) throws(MultipartFormError) -> Event? {
        guard isInPart, let bytes, bytes.readableBytes > 0 else { return nil }
        if !isFile {
            bodyBytes += bytes.readableBytes
            guard bodyBytes <= limits.fieldBytes else { throw .fieldTooLarge(name: fieldName) }
        }
        return .body(bytes)
    }

    /// Reads what follows a boundary: `--`, or the end of the line with some padding before it.
    private mutating func readTail(_ tail: Tail) throws(MultipartFormError) -> Event? {
        guard let byte: UInt8 = input.getInteger(at: input.readerIndex) else { return nil }
        let next: State
        switch (tail, byte) {
        case (.start, UInt8(ascii: "-")): next = .tail(.dash)
        case (.dash, UInt8(ascii: "-")): next = .epilogue
        case (.start, UInt8(ascii: " ")), (.start, UInt8(ascii: "\t")): next = .tail(.padding(1))
        case (.padding(let count), UInt8(ascii: " ")), (.padding(let count), UInt8(ascii: "\t")):
            guard count < Self.maxPadding else { throw .malformedBoundary }
            next = .tail(.padding(count + 1))
        case (.start, UInt8(ascii: "\r")), (.padding, UInt8(ascii: "\r")): next = .tail(.carriageReturn)
        case (.carriageReturn, UInt8(ascii: "\n")): next = .header
        case (.start, let byte) where byte != UInt8(ascii: "\n"):
            // A longer word that only begins like the boundary: content.
            state = isInPart ? .body : .preamble
            return try giveBack(delimiter.bytes.count)
        default: throw .malformedBoundary
        }
        input.moveReaderIndex(forwardBy: 1)
        state = next
        return try afterTail(next)
    }

    private mutating func afterTail(_ next: State) throws(MultipartFormError) -> Event? {
        switch next {
        case .header:
            guard partCount < limits.parts else { throw .tooManyParts }
            partCount += 1
            // The line end of the boundary, so that an empty header ends like any other.
            header = Array(BoundarySearch.headerEnd.prefix(BoundarySearch.lineEndBytes))
        case .epilogue: break
        case .preamble, .body, .tail: return nil
        }
        let closing: Event? = next == .epilogue ? .end : nil
        guard isInPart else { return closing }
        isInPart = false
        queued = closing
        return .partEnd
    }

    private mutating func readHeader() throws(MultipartFormError) -> Event? {
        let known = header.count
        // What a header of the largest size has, with its two line ends: if it has not ended then, it never does in time.
        let most = limits.headerBytes + BoundarySearch.headerEnd.count
        let taken = input.readableBytesView.prefix(most - known)
        header += taken
        let from = max(0, known - BoundarySearch.headerEnd.count + 1)
        guard let end = BoundarySearch.indexOfHeaderEnd(in: header, from: from) else {
            guard header.count < most else { throw .headerTooLarge }
            input.moveReaderIndex(forwardBy: taken.count)
            return nil
        }
        input.moveReaderIndex(forwardBy: end + BoundarySearch.headerEnd.count - known)
        let lines = header[BoundarySearch.lineEndBytes...].prefix(end)
        let parsed = try MultipartPartHeader(parsing: lines)
        header = []
        isInPart = true
        isFile = parsed.isFile
        fieldName = parsed.name
        bodyBytes = 0
        state = .body
        return .part(parsed)
    }
}
