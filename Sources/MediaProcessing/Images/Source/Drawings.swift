// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// That a rendering can't go on until a document is drawn at some size, which its own thread can't do: somebody else draws it, and the
/// rendering is run again.
struct DrawingWanted: Error {
    /// Clean.
    var document: SVGRoot
    var place: Drawings.Place
}

/// What one rendering has of SVG documents: the clean documents, and the pictures that were drawn of them.
struct Drawings: Sendable {
    /// Which document.
    enum Role: Hashable, Sendable { case source, overlay }

    struct Place: Hashable, Sendable {
        var role: Role
        var size: PixelSize
    }

    private var documents: [Role: SVGRoot] = [:]
    private var pictures: [Place: HeldBytes] = [:]

    /// - Parameter read: how it is made where it isn't there yet.
    func document(_ role: Role, _ read: () throws -> SVGRoot) rethrows -> SVGRoot { try documents[role] ?? read() }

    /// A picture as a PNG. Its bytes live as long as this value.
    /// - Throws: `DrawingWanted` where there is none.
    func picture(_ role: Role, _ document: SVGRoot, size: PixelSize) throws(DrawingWanted) -> UnsafeRawBufferPointer {
        let place = Place(role: role, size: size)
        guard let picture = pictures[place] else { throw DrawingWanted(document: document, place: place) }
        return picture.bytes
    }

    mutating func add(_ picture: ByteBuffer, for wanted: DrawingWanted) {
        documents[wanted.place.role] = wanted.document
        pictures[wanted.place] = HeldBytes(picture)
    }
}

/// Bytes that stay where they are.
///
/// Nothing writes to them after `init`: that makes it safe to send.
private final class HeldBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(_ buffer: ByteBuffer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.readableBytes, alignment: 1)
        buffer.withUnsafeReadableBytes { copy.copyMemory(from: $0) }
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit { bytes.deallocate() }
}
