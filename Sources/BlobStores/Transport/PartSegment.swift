// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore

/// Where the parts of one multipart write are.
struct MultipartLayout {
    let folder: String

    init(_ layout: RemoteLayout, _ id: MultipartID) { folder = "\(layout.parts)\(id.rawValue)/" }

    /// Says that the write was begun, and for which key. It sorts behind all parts.
    var begun: String { folder + "begun" }

    func part(_ number: PartNumber) -> String { folder + Self.padded(number.rawValue, to: 5) + "/" }

    func segment(_ segment: PartSegment, of number: PartNumber) -> String { part(number) + segment.name }

    /// Whether an id is one of ours: it becomes part of a key.
    static func isPossible(_ id: MultipartID) -> Bool {
        (1...64).contains(id.rawValue.utf8.count)
            && id.rawValue.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "-")
            }
    }

    static func padded(_ number: some BinaryInteger, to width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

/// A piece of a part: `{offset}-{tag}-{tag of the piece before}`.
struct PartSegment: Hashable {
    /// In the part, in bytes.
    var offset: Int64
    var tag: String
    /// Nil at the beginning of a part.
    var previous: String?

    private static let none = "0"

    init(offset: Int64, tag: String, previous: String?) {
        self.offset = offset
        self.tag = tag
        self.previous = previous
    }

    /// Nil for a name that is no segment's.
    init?(name: Substring) {
        let words = name.split(separator: "-", omittingEmptySubsequences: false)
        guard words.count == 3, let offset = Int64(words[0]), offset >= 0, !words[1].isEmpty else { return nil }
        self.init(offset: offset, tag: String(words[1]), previous: words[2] == Self.none ? nil : String(words[2]))
    }

    var name: String { "\(MultipartLayout.padded(offset, to: 15))-\(tag)-\(previous ?? Self.none)" }

    static func freshTag() -> String { UUID().uuidString.filter { $0 != "-" }.lowercased() }

    /// The segments of a part as it was acknowledged, in their order. Nil when they are not all there.
    static func chain(of part: BlobPart, in known: [StoredSegment]) -> [StoredSegment]? {
        var chain: [StoredSegment] = []
        var (tag, end) = (part.tag.isEmpty ? nil : part.tag, part.size)
        while let wanted = tag {
            guard let segment = known.first(where: { $0.segment.tag == wanted }), segment.segment.offset + segment.size == end,
                chain.count < known.count
            else { return nil }
            chain.append(segment)
            (tag, end) = (segment.segment.previous, segment.segment.offset)
        }
        return end == 0 ? chain.reversed() : nil
    }
}

/// A segment that the service has.
struct StoredSegment {
    var entry: ObjectEntry
    var segment: PartSegment
    /// Of the part.
    var number: Int

    /// In bytes.
    var size: Int64 { entry.size }
    /// The key, as the service knows it.
    var name: String { entry.name }

    /// Nil for a key that is no segment's.
    init?(_ entry: ObjectEntry) {
        let words = entry.name.split(separator: "/", omittingEmptySubsequences: false)
        guard words.count >= 2, let number = Int(words[words.count - 2]), let segment = PartSegment(name: words[words.count - 1])
        else { return nil }
        self.entry = entry
        self.segment = segment
        self.number = number
    }
}

/// The bytes of segments, one after the other.
struct SegmentBytes: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let service: any ObjectService
    let segments: [StoredSegment]

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(service: service, rest: segments[...]) }

    struct AsyncIterator: AsyncIteratorProtocol {
        let service: any ObjectService
        var rest: ArraySlice<StoredSegment>
        var current: ServiceBody.AsyncIterator?

        mutating func next() async throws -> ByteBuffer? {
            while true {
                if let chunk = try await current?.next() { return chunk }
                guard let segment = rest.popFirst() else { return nil }
                current = nil
                guard segment.size > 0 else { continue }
                let object = try await service.open(segment.name, range: nil)
                guard object.extent.size == segment.size else { throw ServiceFailure(.malformed("a segment of another size")) }
                current = ServiceBody(object: object, limits: service.limits).makeAsyncIterator()
            }
        }
    }
}
