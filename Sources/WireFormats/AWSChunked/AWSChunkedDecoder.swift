// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Reads an aws-chunked body piece by piece: `SIZE CRLF DATA CRLF … 0 CRLF trailer CRLF`.
///
/// A pure state machine: push what arrived, then take events until there are none. It keeps no more than one line and the
/// trailer; the bytes of chunks are slices of what was pushed, never copied. However the input is cut, the bytes, the trailer
/// and the error are the same. After an error the decoder is of no further use.
///
/// ```swift
/// var decoder = AWSChunkedDecoder(form, decodedLength: 66_560, announcedTrailer: ["x-amz-checksum-crc32c"])
/// for try await piece in body {
///     decoder.push(piece)
///     while let event = try decoder.next() { … }
/// }
/// try decoder.finish()
/// ```
///
/// A chunk's signature is verified at its end, when its bytes were already handed out: nothing may come of them before
/// `finish` has returned.
public struct AWSChunkedDecoder: Sendable {
    /// What was found.
    public enum Event: Hashable, Sendable {
        /// Bytes of the content.
        case body(ByteBuffer)
        /// All chunks were read; the trailer without its own signature.
        case end(trailer: [NamedValue])
    }

    /// What a body may have.
    public struct Limits: Hashable, Sendable {
        /// The content of one chunk, in bytes.
        public var chunkBytes: Int64
        /// The line before a chunk, in bytes, with its line end.
        public var chunkHeaderBytes: Int
        /// The trailer, in bytes, with its line ends.
        public var trailerBytes: Int

        public init(chunkBytes: Int64 = 5 << 30, chunkHeaderBytes: Int = 1024, trailerBytes: Int = 16 * 1024) {
            self.chunkBytes = chunkBytes
            self.chunkHeaderBytes = chunkHeaderBytes
            self.trailerBytes = trailerBytes
        }
    }

    private enum State: Hashable, Sendable {
        case header
        case data(remaining: Int64)
        /// The line end behind a chunk, of which `read` bytes came.
        case dataEnd(read: Int)
        case trailer
        /// After the end, where `read` bytes of line ends came.
        case epilogue(read: Int)
    }

    /// Clients write no line end after the end, one or two.
    private static let maxEpilogueBytes = 4

    private let limits: Limits
    private let decodedLength: Int64?
    private let announcedTrailer: [String]
    private let hasTrailer: Bool
    private var signatures: ChunkSignatures?
    private var state = State.header
    private var input = ByteBuffer()
    /// A line, or as much of it as came.
    private var line: [UInt8] = []
    private var received: Int64 = 0
    private var chunkSignature: [UInt8] = []
    private var chunkHash = Checksum(.sha256)
    private var trailer: [NamedValue] = []
    private var trailerBytes = 0

    /// - Parameters:
    ///   - decodedLength: `x-amz-decoded-content-length`, in bytes. Nil: any.
    ///   - announcedTrailer: The names in `x-amz-trailer`. Each must come.
    public init(
        _ form: AWSChunkedForm, decodedLength: Int64?, announcedTrailer: [String] = [], limits: Limits = Limits()
    ) {
        self.limits = limits
        self.decodedLength = decodedLength
        self.announcedTrailer = announcedTrailer.map { $0.asciiLowercased() }
        signatures = form.signatures
        hasTrailer = form.hasTrailer
    }

    /// Adds bytes that arrived. Take all events before the next call, or the bytes are copied.
    public mutating func push(_ piece: ByteBuffer) {
        if input.readableBytes == 0 {
            input = piece
        } else {
            input.writeImmutableBuffer(piece)
        }
    }

    /// The next event, or nil when more bytes are needed.
    public mutating func next() throws(AWSChunkedError) -> Event? {
        while input.readableBytes > 0 {
            let event: Event?
            switch state {
            case .header: event = try readHeader()
            case .data(let remaining): event = readData(remaining)
            case .dataEnd(let read): event = try readDataEnd(read)
            case .trailer: event = try readTrailer()
            case .epilogue(let read): event = try readEpilogue(read)
            }
            if let event { return event }
        }
        return nil
    }

    /// Call when no more bytes will come.
    /// - Throws: `.truncated` when the end did not.
    public mutating func finish() throws(AWSChunkedError) {
        guard case .epilogue = state else { throw .truncated }
    }

    /// Adds to `line` up to and with the next line feed.
    /// - Returns: Whether the line is complete.
    private mutating func readLine(limit: Int, tooLong: AWSChunkedError) throws(AWSChunkedError) -> Bool {
        let view = input.readableBytesView
        let end = view.firstIndex(of: UInt8(ascii: "\n"))
        let taken = view[..<(end.map { $0 + 1 } ?? view.endIndex)]
        guard line.count + taken.count <= limit else { throw tooLong }
        line += taken
        input.moveReaderIndex(forwardBy: taken.count)
        return end != nil
    }

    private mutating func readHeader() throws(AWSChunkedError) -> Event? {
        guard try readLine(limit: limits.chunkHeaderBytes, tooLong: .chunkHeaderTooLong) else { return nil }
        guard line.count >= 2, line[line.count - 2] == UInt8(ascii: "\r") else { throw .malformedChunk }
        let header = try AWSChunkHeader(line.dropLast(2), isSigned: signatures != nil)
        line.removeAll(keepingCapacity: true)
        guard header.byteCount <= limits.chunkBytes else { throw .chunkTooLarge }
        received += header.byteCount
        if let decodedLength, received > decodedLength { throw .lengthMismatch }
        chunkSignature = header.signature
        chunkHash = Checksum(.sha256)
        guard header.byteCount == 0 else {
            state = .data(remaining: header.byteCount)
            return nil
        }
        if let decodedLength, received != decodedLength { throw .lengthMismatch }
        try verifyChunk()
        guard hasTrailer else { return .some(try end()) }
        state = .trailer
        return nil
    }

    private mutating func readData(_ remaining: Int64) -> Event? {
        let count = Int(min(remaining, Int64(input.readableBytes)))
        guard let slice = input.readSlice(length: count) else { return nil }
        if signatures != nil { chunkHash.update(slice) }
        state = remaining == Int64(count) ? .dataEnd(read: 0) : .data(remaining: remaining - Int64(count))
        return .body(slice)
    }

    private mutating func readDataEnd(_ read: Int) throws(AWSChunkedError) -> Event? {
        guard let byte: UInt8 = input.readInteger(), byte == (read == 0 ? UInt8(ascii: "\r") : UInt8(ascii: "\n")) else {
            throw .malformedChunk
        }
        guard read == 1 else {
            state = .dataEnd(read: 1)
            return nil
        }
        try verifyChunk()
        state = .header
        return nil
    }

    private mutating func verifyChunk() throws(AWSChunkedError) {
        guard signatures != nil else { return }
        guard signatures?.verify(chunkSignature, chunk: chunkHash.value) == true else { throw .chunkSignatureMismatch }
    }

    private mutating func readTrailer() throws(AWSChunkedError) -> Event? {
        guard try readLine(limit: limits.trailerBytes - trailerBytes, tooLong: .trailerTooLarge) else { return nil }
        trailerBytes += line.count
        var text = line.dropLast()
        // Some clients end these lines with a line feed alone, or with that and then CRLF.
        if text.last == UInt8(ascii: "\r") { text.removeLast() }
        defer { line.removeAll(keepingCapacity: true) }
        guard !text.isEmpty else { return signatures == nil ? try end() : nil }
        let field = try Self.trailerField(text)
        guard signatures != nil, field.name == AWSChunkedForm.trailerSignatureField else {
            trailer.append(field)
            return nil
        }
        guard let signature = Hexadecimal.decode(field.value, count: SignedRequest.signatureBytes) else {
            throw .malformedTrailer
        }
        guard signatures?.verify(signature, trailer: trailer) == true else { throw .trailerSignatureMismatch }
        return try end()
    }

    private static func trailerField(_ text: ArraySlice<UInt8>) throws(AWSChunkedError) -> NamedValue {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex,
            text[..<colon].allSatisfy(ByteSet.token.contains),
            let value = String(validating: text[(colon + 1)...], as: UTF8.self)
        else { throw .malformedTrailer }
        return NamedValue(String(decoding: text[..<colon], as: UTF8.self), String(value[...].trimmingBlanks()))
    }

    private mutating func end() throws(AWSChunkedError) -> Event {
        let names = Set(trailer.map(\.name))
        for name in announcedTrailer where !names.contains(name) { throw .missingTrailer(name: name) }
        state = .epilogue(read: 0)
        return .end(trailer: trailer)
    }

    private mutating func readEpilogue(_ read: Int) throws(AWSChunkedError) -> Event? {
        guard read < Self.maxEpilogueBytes, let byte: UInt8 = input.readInteger(),
            byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n")
        else { throw .dataAfterEnd }
        state = .epilogue(read: read + 1)
        return nil
    }
}
