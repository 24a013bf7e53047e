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

    public func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
        var whole = ByteBuffer()
        let written = try state.withLock { state in
            guard let write = state.writes[id], write.key == key else { throw Self.unknown(id) }
            return write.parts
        }
        for part in parts {
            guard let known = written[part.number], known.tag == part.tag, known.bytes.readableBytes == part.size else {
                throw StorageError(.invalidParameter, "Part \(part.number.rawValue) was not written", resource: "parts")
            }
            whole.writeImmutableBuffer(known.bytes)
        }
        let info = try publish(whole, at: key)
        state.withLock { $0.writes[id] = nil }
        return info
    }

    public func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {
        state.withLock { $0.writes[id] = nil }
    }

    public func sweepUnfinished(before date: Timestamp) async throws -> Int {
        state.withLock { state in
            let abandoned = state.writes.filter { $0.value.touchedAt < date }
            for id in abandoned.keys { state.writes[id] = nil }
            return abandoned.values.reduce(0) { $0 + $1.parts.count }
        }
    }

    private static func unknown(_ id: MultipartID) -> StorageError {
        StorageError(.invalidParameter, "There is no such multipart write", resource: id.rawValue)
    }
}
