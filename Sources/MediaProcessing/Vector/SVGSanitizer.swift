// SPDX-License-Identifier: Apache-2.0

public import MediaCore
public import NIOCore
import WireFormats

/// Makes harmless SVG of hostile SVG.
///
/// The document is read, and what is known to be harmless is written again: elements and attributes that are on a list, styles
/// without addresses, references to elements of the document itself, embedded raster images. Scripts, event handlers, links,
/// external resources, foreign vocabularies, entities and comments are not on any list. What it would take to draw the result is
/// bounded, too. See docs/decisions/0015-svg-sanitising.md.
///
/// The result is well-formed UTF-8 with the root `<svg xmlns="http://www.w3.org/2000/svg">`. Sanitising it once more changes
/// nothing. It is safe to draw and to put into a page. Served on its own it deserves `contentSecurityPolicy` nevertheless.
public struct SVGSanitizer: Sendable {
    /// What a document may have.
    public struct Limits: Hashable, Sendable {
        public var bytes: Int
        /// Elements inside each other.
        public var depth: Int
        public var elements: Int
        /// Of one element.
        public var attributes: Int
        /// The longest value of an attribute: paths and embedded pictures.
        public var attributeBytes: Int
        /// What may be drawn once every `use`, pattern, marker, mask and filter is followed: about one for each small shape.
        public var expandedElements: Int
        /// Of all embedded pictures together.
        public var embeddedPixels: Int
        /// The longest side of the picture at its own size, in pixels.
        public var side: Double
        /// Of one `text` with everything in it, in bytes: laying out a line takes more than twice the time for twice the letters.
        public var textBytes: Int
        /// Accents and joiners behind one letter: they are laid out together, however many they are.
        public var combiningMarks: Int
        /// In pixels, of letters before anything is scaled, as far as attributes tell. What a stylesheet says is held against it as well.
        public var fontSize: Double

        public init(
            bytes: Int = 20 << 20, depth: Int = 256, elements: Int = 250_000, attributes: Int = 128,
            attributeBytes: Int = 8 << 20, expandedElements: Int = 1_000_000, embeddedPixels: Int = 50_000_000,
            side: Double = 65_535, textBytes: Int = 65_536, combiningMarks: Int = 64, fontSize: Double = 10_000
        ) {
            self.bytes = bytes
            self.depth = depth
            self.elements = elements
            self.attributes = attributes
            self.attributeBytes = attributeBytes
            self.expandedElements = expandedElements
            self.embeddedPixels = embeddedPixels
            self.side = side
            self.textBytes = textBytes
            self.combiningMarks = combiningMarks
            self.fontSize = fontSize
        }
    }

    /// A `Content-Security-Policy` (CSP Level 3) to serve SVG with: nothing runs, nothing is fetched, no origin is its own.
    public static let contentSecurityPolicy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

    private let limits: Limits

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Sanitises a document.
    ///
    /// It takes time with the length of the document, and memory of a few times that: run it off the cooperative pool.
    /// - Throws: `.unreadableImage` for bytes that are no SVG, or one in which an element is drawn inside of itself;
    ///   `.imageTooLarge` past the limits.
    public func sanitize(_ bytes: ByteBuffer) throws(StorageError) -> ByteBuffer {
        do {
            return try sanitizeDocument(bytes)
        } catch let error as StorageError {
            throw error
        } catch {
            throw Self.refusal(error)
        }
    }

    private func sanitizeDocument(_ bytes: ByteBuffer) throws -> ByteBuffer {
        var reader = try XMLDocumentReader(
            bytes,
            limits: .init(
                bytes: limits.bytes, depth: limits.depth, elements: limits.elements, attributes: limits.attributes,
                attributeBytes: limits.attributeBytes))
        var document = SVGDocumentFilter(limits: limits, capacity: bytes.readableBytes)
        while let event = try reader.next() {
            switch event {
            case .start(let tag): try document.begin(tag)
            case .text(let text): try document.text(text)
            case .end: try document.end()
            }
        }
        return try document.finish()
    }

    private static func refusal(_ error: any Error) -> StorageError {
        switch error as? XMLError {
        case .tooLarge, .tooDeep, .tooManyElements, .tooManyAttributes:
            StorageError(.imageTooLarge, "The SVG is larger or more complex than allowed", cause: error)
        case .malformed, .forbidden, nil:
            StorageError(.unreadableImage, "The file is not a readable SVG", cause: error)
        }
    }
}
