// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// What is wrong with a form.
public enum MultipartFormError: Error, Hashable, Sendable {
    /// The content type names no boundary, or one that RFC 2046 §5.1.1 does not allow.
    case badBoundary
    /// A part's header can't be read.
    case malformedHeader
    /// A part's header is longer than allowed.
    case headerTooLong
    case tooManyParts
    /// What follows a boundary is neither a line end nor the closing dashes.
    case malformedBoundary
    /// The body ended before the closing boundary.
    case truncated
}

/// Takes a `multipart/form-data` body apart as it arrives. RFC 7578, RFC 2046 §5.1.
///
/// Pure and incremental: bytes go in as they come, events come out, and no more is held than a part's header or the length of the
/// boundary, whatever the sender does.
public struct MultipartFormParser: Sendable {
    /// The header of a part.
    public struct Part: Hashable, Sendable {
        /// Empty when the sender gave none: storage-js names its file part so.
        public var name: String
        /// Nil for a part that is a plain field.
        public var filename: String?
        public var contentType: String?

        /// Whether the part is a file: it has a file name, or no name at all.
        public var isFile: Bool { filename != nil || name.isEmpty }
    }

    public enum Event: Hashable, Sendable {
        case part(Part)
        /// Bytes of the part begun last, sharing memory with what went in.
        case bytes(ByteBuffer)
        case partEnd
        /// The closing boundary. What follows it is ignored.
        case end
    }

    public struct Limits: Hashable, Sendable {
        /// In bytes.
        public var maxHeaderBytes: Int
        public var maxParts: Int

        public init(maxHeaderBytes: Int = 8192, maxParts: Int = 12) {
            self.maxHeaderBytes = maxHeaderBytes
            self.maxParts = maxParts
        }
    }

    private enum State {
        /// Before the first boundary.
        case preamble
        /// Right behind a boundary: a line end or the closing dashes follow.
        case boundary
        case header
        case body
        case ended
    }

    private let limits: Limits
    /// For `\r\n--boundary`.
    private let search: DelimiterSearch
    private var buffer = ByteBuffer()
    private var state = State.preamble
    private var parts = 0

    /// - Parameter boundary: as `boundary(of:)` gives it.
    public init(boundary: String, limits: Limits = Limits()) {
        self.limits = limits
        self.search = DelimiterSearch(Array("\r\n--\(boundary)".utf8))
        // The first boundary may stand at the very start, without the line end before it.
        buffer.writeStaticString("\r\n")
    }

    /// The boundary in a `Content-Type`. Nil when it is not `multipart/form-data`.
    public static func boundary(of contentType: String) throws(MultipartFormError) -> String? {
        let parameters = HeaderParameters(contentType)
        guard parameters.value.lowercased() == "multipart/form-data" else { return nil }
        guard let boundary = parameters["boundary"], (1...70).contains(boundary.utf8.count), boundary.utf8.last != UInt8(ascii: " "),
            boundary.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { throw .badBoundary }
        return boundary
    }

    /// Takes more bytes. To be followed by `next` until that returns nil.
    public mutating func feed(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            // What is left over is shorter than a boundary or a header, so this copies little of it and all of the new bytes once.
            var bytes = bytes
            buffer.discardReadBytes()
            buffer.writeBuffer(&bytes)
        }
    }

    /// The next event, or nil when more bytes are needed.
    public mutating func next() throws(MultipartFormError) -> Event? {
        while true {
            switch state {
            case .preamble:
                guard skipToDelimiter() else { return nil }
                state = .boundary
            case .boundary:
                if let event = try readBoundaryEnd() { return event }
                guard state == .header else { return nil }
            case .header:
                return try readHeader()
            case .body:
                return readBody()
            case .ended:
                buffer.clear()
                return nil
            }
        }
    }

    /// To be called when the body is over and `next` has returned nil.
    public func finish() throws(MultipartFormError) {
        guard state == .ended else { throw .truncated }
    }

    private mutating func skipToDelimiter() -> Bool {
        switch search.find(in: buffer.readableBytesView) {
        case .found(let offset):
            buffer.moveReaderIndex(forwardBy: offset + search.count)
            return true
        case .notBefore(let offset):
            buffer.moveReaderIndex(forwardBy: offset)
            return false
        }
    }

    /// Behind a boundary: `--` closes the form; spaces and a line end begin a part.
    private mutating func readBoundaryEnd() throws(MultipartFormError) -> Event? {
        let view = buffer.readableBytesView
        guard view.count >= 2 else { return nil }
        if view.starts(with: Self.closing) {
            state = .ended
            return .end
        }
        let padding = view.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
        guard padding <= 256 else { throw .malformedBoundary }
        guard view.count >= padding + 2 else { return nil }
        guard view.dropFirst(padding).starts(with: Self.lineEnd) else { throw .malformedBoundary }
        parts += 1
        guard parts <= limits.maxParts else { throw .tooManyParts }
        buffer.moveReaderIndex(forwardBy: padding + 2)
        state = .header
        return nil
    }

    private mutating func readHeader() throws(MultipartFormError) -> Event? {
        let view = buffer.readableBytesView
        let length: Int
        if view.starts(with: Self.lineEnd) {
            length = 0
        } else if case .found(let offset) = Self.headerEnd.find(in: view.prefix(limits.maxHeaderBytes + Self.headerEnd.count)) {
            length = offset + 2
        } else {
            guard view.count <= limits.maxHeaderBytes else { throw .headerTooLong }
            return nil
        }
        guard let text = String(validating: view.prefix(length), as: UTF8.self) else { throw .malformedHeader }
        let part = try Part(header: text)
        buffer.moveReaderIndex(forwardBy: length + 2)
        state = .body
        return .part(part)
    }

    private mutating func readBody() -> Event? {
        switch search.find(in: buffer.readableBytesView) {
        case .found(0):
            buffer.moveReaderIndex(forwardBy: search.count)
            state = .boundary
            return .partEnd
        case .found(let offset), .notBefore(let offset):
            guard offset > 0 else { return nil }
            return buffer.readSlice(length: offset).map(Event.bytes)
        }
    }

    private static let lineEnd = Array("\r\n".utf8)
    private static let closing = Array("--".utf8)
    private static let headerEnd = DelimiterSearch(Array("\r\n\r\n".utf8))
}

extension MultipartFormParser.Part {
    fileprivate init(header text: String) throws(MultipartFormError) {
        var disposition: HeaderParameters?
        var type: String?
        for line in text.split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { throw .malformedHeader }
            let value = String(line[line.index(after: colon)...])
            switch line[..<colon].lowercased() {
            case "content-disposition": disposition = HeaderParameters(value)
            case "content-type": type = value.trimmingBlanks
            default: break
            }
        }
        guard let disposition, disposition.value.lowercased() == "form-data" else { throw .malformedHeader }
        self.init(name: disposition["name"] ?? "", filename: disposition["filename"], contentType: type)
    }
}
