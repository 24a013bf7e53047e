// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore
import NIOCore
import Synchronization

/// Blobs that arrive in parts.
///
/// A part is one object or several, its segments: services can't make an object longer, and their own uploads in parts are over once they are
/// completed, whereas ours stay until they are given up. A segment is never changed. Its name says where in the part it begins and which
/// one is before it, so the tag of the last segment names one sequence of bytes and no other.
extension RemoteBlobStore {
    public func beginMultipart(at key: BlobKey) async throws -> MultipartID {
        let id = MultipartID(UUID().uuidString.lowercased())
        let name = MultipartLayout(layout, id).begun
        try await mapped {
            try await service.store(ByteBuffer(string: key.rawValue), at: name, onlyIfFree: false)
        }
        return id
    }

    public func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart {
        let place = MultipartLayout(layout, id)
        return try await mapped {
            try await requireBegun(id)
            // Listed before: what a call at the same time writes is not this one's to remove.
            let replaced = try await segments(below: place.part(number))
            let segment = PartSegment(offset: 0, tag: PartSegment.freshTag(), previous: nil)
            let size = try await service.write(body, to: place.segment(segment, of: number))
            try await service.delete(replaced.map(\.name))
            return BlobPart(number: number, size: size, tag: segment.tag)
        }
    }

    public func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart {
        let place = MultipartLayout(layout, id)
        let folder = place.part(part.number)
        guard appending.withLock({ $0.insert(folder).inserted }) else {
            throw StorageError(.locked, "Part \(part.number.rawValue) is being written", resource: "parts", isRetryable: true)
        }
        defer { appending.withLock { _ = $0.remove(folder) } }
        return try await mapped {
            try await requireBegun(id)
            let known = try await segments(below: folder)
            guard let chain = PartSegment.chain(of: part, in: known), takingOver || chain.count == known.count else {
                throw StorageError(
                    .preconditionFailed, "Part \(part.number.rawValue) is not in the state that was acknowledged",
                    resource: "parts")
            }
            let kept = Set(chain.map(\.name))
            try await service.delete(known.map(\.name).filter { !kept.contains($0) })
            let segment = PartSegment(
                offset: part.size, tag: PartSegment.freshTag(), previous: part.tag.isEmpty ? nil : part.tag)
            let size = try await service.write(body, to: place.segment(segment, of: part.number))
            return BlobPart(number: part.number, size: part.size + size, tag: segment.tag)
        }
    }

    public func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
        let place = MultipartLayout(layout, id)
        return try await mapped {
            try await requireBegun(id)
            let known = Dictionary(grouping: try await segments(below: place.folder), by: \.number)
            var segments: [StoredSegment] = []
            for part in parts {
                guard let chain = PartSegment.chain(of: part, in: known[part.number.rawValue] ?? []), !chain.isEmpty else {
                    throw Self.unknownPart(part.number)
                }
                segments += chain.map { $0 }
            }
            do {
                return try await join(segments, at: key)
            } catch let failure as ServiceFailure where failure.isMissingKey {
                // A part was written anew since the list.
                throw StorageError(.invalidPart, "A part was replaced while it was read", resource: "parts", cause: failure)
            }
        }
    }

    public func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {
        guard MultipartLayout.isPossible(id) else { return }
        let place = MultipartLayout(layout, id)
        try await mapped {
            let names = try await service.all(below: place.folder).map(\.name)
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
            let page = try await mapped { [cursor] in try await service.list(layout.parts, from: cursor, limit: 1000) }
            for entry in page.entries {
                let id = String(entry.name.dropFirst(layout.parts.count).prefix { $0 != "/" })
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
            cursor = page.next
            isLast = cursor == nil
        }
        close()
        if !found.isEmpty { try await visit(found) }
    }

    public func sweepUnfinished(before date: Timestamp) async throws -> Int {
        try await mapped { try await service.sweepUnfinished(below: layout.prefix, before: date) }
    }
}

extension RemoteBlobStore {
    private func requireBegun(_ id: MultipartID) async throws {
        let unknown = StorageError(
            .uploadNotFound, "There is no such multipart write", resource: String(id.rawValue.prefix(64)))
        guard MultipartLayout.isPossible(id) else { throw unknown }
        do {
            _ = try await service.describe(MultipartLayout(layout, id).begun)
        } catch let failure as ServiceFailure where failure.isMissingKey {
            throw unknown
        }
    }

    private func segments(below folder: String) async throws -> [StoredSegment] {
        try await service.all(below: folder).compactMap(StoredSegment.init)
    }

    private static func unknownPart(_ number: PartNumber) -> StorageError {
        StorageError(.invalidPart, "Part \(number.rawValue) was not written, or was replaced", resource: String(number.rawValue))
    }

    /// One blob of segments: by the service itself where it can, and through here where it can't.
    private func join(_ segments: [StoredSegment], at key: BlobKey) async throws -> BlobInfo {
        let size = segments.reduce(0) { $0 + $1.size }
        let name = blobs.name(key)
        do {
            if try await !service.join(segments.map(\.entry), into: name) {
                _ = try await service.write(
                    ByteStream(length: size, chunks: SegmentBytes(service: service, segments: segments)), to: name)
            }
        } catch is NameTaken {
            throw StorageError.exists(key)
        }
        return BlobInfo(key: key, size: size, modifiedAt: .now())
    }
}
