// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// Where the parts of one multipart write are.
struct S3MultipartLayout {
    let folder: String

    init(_ layout: S3Layout, _ id: MultipartID) { folder = "\(layout.parts)\(id.rawValue)/" }

    /// Says that the write was begun, and for which key. It sorts behind all parts.
    var begun: String { folder + "begun" }

    func part(_ number: PartNumber) -> String { folder + Self.padded(number.rawValue, to: 5) + "/" }

    func segment(_ segment: S3Segment, of number: PartNumber) -> String { part(number) + segment.name }

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
struct S3Segment: Hashable {
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

    var name: String { "\(S3MultipartLayout.padded(offset, to: 15))-\(tag)-\(previous ?? Self.none)" }

    static func freshTag() -> String { UUID().uuidString.filter { $0 != "-" }.lowercased() }

    /// The segments of a part as it was acknowledged, in their order. Nil when they are not all there.
    static func chain(of part: BlobPart, in known: [S3StoredSegment]) -> [S3StoredSegment]? {
        var chain: [S3StoredSegment] = []
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
struct S3StoredSegment {
    /// The key, as the service knows it.
    var name: String
    var segment: S3Segment
    /// Of the part.
    var number: Int
    /// In bytes.
    var size: Int64

    /// Nil for a key that is no segment's.
    init?(_ entry: S3ListPage.Entry) {
        let words = entry.key.split(separator: "/", omittingEmptySubsequences: false)
        guard words.count >= 2, let number = Int(words[words.count - 2]), let segment = S3Segment(name: words[words.count - 1])
        else { return nil }
        self.name = entry.key
        self.segment = segment
        self.number = number
        self.size = entry.size
    }
}

/// The bytes of segments, one after the other.
struct S3Concatenation: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let service: S3Service
    let segments: [S3StoredSegment]

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(service: service, rest: segments[...]) }

    struct AsyncIterator: AsyncIteratorProtocol {
        let service: S3Service
        var rest: ArraySlice<S3StoredSegment>
        var current: S3Body.AsyncIterator?

        mutating func next() async throws -> ByteBuffer? {
            while true {
                if let chunk = try await current?.next() { return chunk }
                guard let segment = rest.popFirst() else { return nil }
                current = nil
                guard segment.size > 0 else { continue }
                let response = try await service.open(S3Request(.GET, segment.name))
                current = S3Body(
                    service: service, key: segment.name, tag: response.headers.first(name: "etag"), range: 0..<segment.size,
                    response: response
                ).makeAsyncIterator()
            }
        }
    }
}

extension S3Service {
    struct UnfinishedUpload {
        var key: String
        var id: String
        var begunAt: Timestamp
    }

    /// Uploads in parts of the service's own that were neither completed nor given up.
    func unfinishedUploads(below prefix: String) async throws -> [UnfinishedUpload] {
        var all: [UnfinishedUpload] = []
        var markers: [QueryParameters.Parameter] = []
        while true {
            let query: [QueryParameters.Parameter] = [.init("uploads", ""), .init("prefix", prefix)] + markers
            let root = try S3Document.tree(try await send(S3Request(.GET, query: query)).body)
            let isEncoded = root["EncodingType"]?.text == "url"
            for element in root.all("Upload") {
                guard let text = element["Key"]?.text, let key = isEncoded ? S3Document.decoded(text) : text,
                    let id = element["UploadId"]?.text, let date = element["Initiated"].flatMap({ Timestamp(iso8601: $0.text) }),
                    // Not all services filter.
                    key.hasPrefix(prefix)
                else { continue }
                all.append(UnfinishedUpload(key: key, id: id, begunAt: date))
            }
            guard root["IsTruncated"]?.text == "true", let key = root["NextKeyMarker"]?.text, !key.isEmpty else { return all }
            let next: [QueryParameters.Parameter] = [
                .init("key-marker", key), .init("upload-id-marker", root["NextUploadIdMarker"]?.text ?? ""),
            ]
            guard next != markers else { return all }
            markers = next
        }
    }
}
