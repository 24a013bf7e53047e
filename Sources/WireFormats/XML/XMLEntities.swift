// SPDX-License-Identifier: Apache-2.0

/// What may stand behind `&…;` in a document: the five predefined entities, references by number, and those of the document's
/// own that are plain text.
///
/// Drawing programs write namespaces and styles as entities, so they can't be refused altogether. An entity whose text holds
/// markup, or a reference of any kind, is not kept: expansion never goes a second level, can't make an element, and what it may
/// add to a document is bounded in total. Nothing outside the document is ever looked at.
struct XMLEntities: Sendable {
    private var own: [[UInt8]: [UInt8]] = [:]
    /// How many bytes own entities may still add.
    private var remaining: Int

    /// - Parameter budget: How many bytes all references to own entities together may become.
    init(budget: Int) { remaining = budget }

    /// Keeps an entity. Of two with the same name the first counts. §4.2.
    mutating func declare(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        guard own.count < Self.mostEntities, value.count <= Self.longestValue, value.allSatisfy(Self.isPlain) else { return }
        let name = Array(name)
        if own[name] == nil { own[name] = Array(value) }
    }

    /// The text of an entity, or nil for one that isn't known or isn't plain text.
    mutating func expand(_ name: ArraySlice<UInt8>) throws(XMLError) -> [UInt8]? {
        guard let value = own[Array(name)] else { return nil }
        remaining -= value.count
        guard remaining >= 0 else { throw .tooLarge }
        return value
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "%"), UInt8(ascii: "<"), 0..<0x20, 0xEF: false
        default: true
        }
    }

    private static let mostEntities = 256
    private static let longestValue = 1024
}
