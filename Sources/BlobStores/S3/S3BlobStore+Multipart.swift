// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore
import NIOCore
import NIOHTTP1
import Synchronization
import WireFormats

/// Blobs that arrive in parts.
///
/// A part is one object or several, its segments: S3 can't make an object longer, and its own uploads in parts are over once they are
/// completed, whereas ours stay until they are given up. A segment is never changed. Its name says where in the part it begins and which
/// one is before it, so the tag of the last segment names one sequence of bytes and no other.
extension S3BlobStore {
    public func beginMultipart(at key: BlobKey) async throws -> MultipartID {
        let id = MultipartID(UUID().uuidString.lowercased())
        let name = S3MultipartLayout(layout, id).begun
        try await mapped {
            _ = try await service.send(S3Request(.PUT, name, body: ByteBuffer(string: key.rawValue)))
        }
        return id
    }

    public func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart {
        let place = S3MultipartLayout(layout, id)
        return try await mapped {
            try await requireBegun(id)
            // Listed before: what a call at the same time writes is not this one's to remove.
            let replaced = try await segments(below: place.part(number))
            let segment = S3Segment(offset: 0, tag: S3Segment.freshTag(), previous: nil)
            let size = try await writer(place.segment(segment, of: number)).write(body)
            try await service.delete(replaced.map(\.name))
            return BlobPart(number: number, size: size, tag: segment.tag)
        }
    }

    public func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart {
        let place = S3MultipartLayout(layout, id)
        let folder = place.part(part.number)
        guard appending.withLock({ $0.insert(folder).inserted }) else {
            throw StorageError(.locked, "Part \(part.number.rawValue) is being written", resource: "parts", isRetryable: true)
        }
        defer { appending.withLock { _ = $0.remove(folder) } }
        return try await mapped {
            try await requireBegun(id)
            let known = try await segments(below: folder)
            guard let chain = S3Segment.chain(of: part, in: known), takingOver || chain.count == known.count else {
                throw StorageError(
                    .preconditionFailed, "Part \(part.number.rawValue) is not in the state that was acknowledged",
                    resource: "parts")
            }
            let kept = Set(chain.map(\.name))
            try await service.delete(known.map(\.name).filter { !kept.contains($0) })
            let segment = S3Segment(
                offset: part.size, tag: S3Segment.freshTag(), previous: part.tag.isEmpty ? nil : part.tag)
            let size = try await writer(place.segment(segment, of: part.number)).write(body)
            return BlobPart(number: part.number, size: part.size + size, tag: segment.tag)
        }
    }

    public func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
        let place = S3MultipartLayout(layout, id)
        return try await mapped {
            try await requireBegun(id)
            let known = Dictionary(grouping: try await segments(below: place.folder), by: \.number)
            var segments: [S3StoredSegment] = []
            for part in parts {
                guard let chain = S3Segment.chain(of: part, in: known[part.number.rawValue] ?? []), !chain.isEmpty else {
                    throw Self.unknownPart(part.number)
                }
                segments += chain.map { $0 }
            }
            do {
                return try await join(segments, at: key)
            } catch let failure as S3Failure where failure.isMissingKey {
                // A part was written anew since the list.
                throw StorageError(.invalidPart, "A part was replaced while it was read", resource: "parts", cause: failure)
            }
        }
    }

    public func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {
        guard S3MultipartLayout.isPossible(id) else { return }
        let place = S3MultipartLayout(layout, id)
        try await mapped {
            let names = try await keys(below: place.folder).map(\.key)
            // The marker last: what a crash leaves is found by it again.
            try await service.delete(names.filter { $0 != place.begun })
            try await service.delete([place.begun])
        }
    }

    public func visitUnfinishedMultiparts(
        before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
    ) async throws {
        var found: [UnfinishedMultipart] = []
        var current: (id: String, touchedAt: Timestamp)?
        func close() {
            guard let write = current, write.touchedAt < date else { return }
            found.append(UnfinishedMultipart(id: MultipartID(write.id), key: nil))
        }
        var cursor: String?
        var isLast = false
        while !isLast {
            let page = try await mapped { [cursor] in try await service.list(layout.parts, after: cursor, limit: 1000) }
            for entry in page.entries {
                let id = String(entry.key.dropFirst(layout.parts.count).prefix { $0 != "/" })
                if let write = current, write.id == id {
                    current = (id, max(write.touchedAt, entry.modifiedAt))
                    continue
                }
                close()
                current = (id, entry.modifiedAt)
                if found.count >= max(1, batch) {
                    try await visit(found)
                    found = []
                }
            }
            cursor = page.entries.last?.key
            isLast = !page.isTruncated || cursor == nil
        }
        close()
        if !found.isEmpty { try await visit(found) }
    }

    public func sweepUnfinished(before date: Timestamp) async throws -> Int {
        try await mapped {
            var count = 0
            do {
                for upload in try await service.unfinishedUploads(below: layout.prefix) where upload.begunAt < date {
                    try await S3Upload(service: service, key: upload.key, id: upload.id).abort()
                    count += 1
                }
            } catch let failure as S3Failure where failure.isUnsupported {
                // A service that does not list them has none that it would not free by itself.
                return count
            }
            return count
        }
    }
}

extension S3BlobStore {
    private func requireBegun(_ id: MultipartID) async throws {
        let unknown = StorageError(
            .uploadNotFound, "There is no such multipart write", resource: String(id.rawValue.prefix(64)))
        guard S3MultipartLayout.isPossible(id) else { throw unknown }
        do {
            _ = try await service.send(S3Request(.HEAD, S3MultipartLayout(layout, id).begun))
        } catch let failure as S3Failure where failure.isMissingKey {
            throw unknown
        }
    }

    private func keys(below folder: String) async throws -> [S3ListPage.Entry] {
        var all: [S3ListPage.Entry] = []
        var cursor: String?
        repeat {
            let page = try await service.list(folder, after: cursor, limit: 1000)
            all += page.entries
            cursor = page.isTruncated ? page.entries.last?.key : nil
        } while cursor != nil
        return all
    }

    private func segments(below folder: String) async throws -> [S3StoredSegment] {
        try await keys(below: folder).compactMap(S3StoredSegment.init)
    }

    private static func unknownPart(_ number: PartNumber) -> StorageError {
        StorageError(.invalidPart, "Part \(number.rawValue) was not written, or was replaced", resource: String(number.rawValue))
    }

    /// One blob of segments: by the service itself where it can, and through here where it can't.
    private func join(_ segments: [S3StoredSegment], at key: BlobKey) async throws -> BlobInfo {
        let size = segments.reduce(0) { $0 + $1.size }
        let name = layout.blob(key)
        if segments.count == 1, size <= service.configuration.copyBytes {
            try await requireFree(key)
            try await S3Copy(service: service).copy(segments[0].name, of: size, to: name, fields: [])
            return BlobInfo(key: key, size: size, modifiedAt: .now())
        }
        if Self.canBeJoinedByCopies(segments, longest: service.configuration.copyBytes) {
            try await requireFree(key)
            let pieces = segments.map { S3Copy.Piece(source: $0.name, range: nil) }
            if try await S3Copy(service: service).join(pieces, into: name, fields: []) {
                return BlobInfo(key: key, size: size, modifiedAt: .now())
            }
        }
        do {
            let whole = ByteStream(length: size, chunks: S3Concatenation(service: service, segments: segments))
            _ = try await writer(name).write(whole)
            return BlobInfo(key: key, size: size, modifiedAt: .now())
        } catch is S3Writer.Taken {
            throw StorageError.exists(key)
        }
    }

    private func requireFree(_ key: BlobKey) async throws {
        do {
            _ = try await service.send(S3Request(.HEAD, layout.blob(key)))
            throw StorageError.exists(key)
        } catch let failure as S3Failure where failure.isMissingKey {
            return
        }
    }

    /// All but the last have one size, which some services demand, and a size that all demand.
    private static func canBeJoinedByCopies(_ segments: [S3StoredSegment], longest: Int64) -> Bool {
        guard let first = segments.first, let last = segments.last, segments.count <= S3Configuration.mostParts else {
            return false
        }
        return first.size >= S3Configuration.leastPartBytes && first.size <= longest && last.size <= first.size && last.size > 0
            && segments.dropLast().allSatisfy { $0.size == first.size }
    }
}
