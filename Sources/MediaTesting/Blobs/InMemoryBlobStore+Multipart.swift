// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import NIOCore
import Synchronization

extension InMemoryBlobStore {
    public func beginMultipart(at key: BlobKey) async throws -> MultipartID {
        let time = now()
        return state.withLock { state in
            state.serial += 1
            let id = MultipartID("multipart-\(state.serial)")
            state.writes[id] = MultipartWrite(key: key, touchedAt: time)
            return id
        }
    }

    public func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart {
        let bytes = try await Self.receive(body)
        let time = now()
        return try state.withLock { state in
            guard state.writes[id]?.key == key else { throw Self.unknown(id) }
            state.serial += 1
            let part = Part(bytes: bytes, tag: "tag-\(state.serial)")
            state.writes[id]?.parts[number] = part
            state.writes[id]?.touchedAt = time
            return BlobPart(number: number, size: Int64(bytes.readableBytes), tag: part.tag)
        }
    }

    public func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart {
        try beginAppending(to: part, takingOver: takingOver, of: id, at: key)
        defer { state.withLock { _ = $0.appending.remove(Appending(id: id, number: part.number)) } }
        let time = now()
        for try await chunk in body.chunks {
            state.withLock { state in
                state.writes[id]?.parts[part.number]?.bytes.writeImmutableBuffer(chunk)
                state.writes[id]?.touchedAt = time
            }
        }
        try Task.checkCancellation()
        return try state.withLock { state in
            guard let written = state.writes[id]?.parts[part.number] else { throw Self.unknown(id) }
            return BlobPart(number: part.number, size: Int64(written.bytes.readableBytes), tag: written.tag)
        }
    }

    private func beginAppending(to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey) throws {
        try state.withLock { state in
            guard state.writes[id]?.key == key else { throw Self.unknown(id) }
            guard state.appending.insert(Appending(id: id, number: part.number)).inserted else {
                throw StorageError(.locked, "The part is being written", isRetryable: true)
            }
            let known = state.writes[id]?.parts[part.number]
            let isExact = (known?.tag ?? "") == part.tag && Int64(known?.bytes.readableBytes ?? 0) == part.size
            let prefix = known?.bytes.getSlice(at: 0, length: Int(part.size))
            guard isExact || takingOver, part.size == 0 || prefix != nil else {
                state.appending.remove(Appending(id: id, number: part.number))
                throw StorageError(.preconditionFailed, "The part is not in the state that was expected")
            }
            state.serial += 1
            state.writes[id]?.parts[part.number] = Part(bytes: prefix ?? ByteBuffer(), tag: "tag-\(state.serial)")
        }
    }

    public func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
        var whole = ByteBuffer()
        let written = try state.withLock { state in
            guard let write = state.writes[id], write.key == key else { throw Self.unknown(id) }
            return write.parts
        }
        for part in parts {
            guard let known = written[part.number], known.tag == part.tag, known.bytes.readableBytes == part.size else {
                throw StorageError(
                    .invalidPart, "Part \(part.number.rawValue) was not written, or was replaced",
                    resource: String(part.number.rawValue))
            }
            whole.writeImmutableBuffer(known.bytes)
        }
        return try publish(whole, at: key)
    }

    public func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {
        state.withLock { $0.writes[id] = nil }
    }

    public func visitUnfinishedMultiparts(
        before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
    ) async throws {
        var rest = state.withLock { state in
            state.writes.filter { $0.value.touchedAt < date }.map { UnfinishedMultipart(id: $0.key, key: $0.value.key) }
        }[...]
        while !rest.isEmpty {
            let found = Array(rest.prefix(max(1, batch)))
            rest = rest.dropFirst(found.count)
            try await visit(found)
        }
    }

    /// There are no temporary files.
    public func sweepUnfinished(before date: Timestamp) async throws -> Int { 0 }

    private static func unknown(_ id: MultipartID) -> StorageError {
        StorageError(.uploadNotFound, "There is no such multipart write", resource: id.rawValue)
    }
}
