// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// Blobs that are objects below a prefix of a bucket: what every store far away does, in the core's words.
struct ObjectBlobs: Sendable {
    let service: any ObjectService
    /// In front of every key.
    let prefix: String

    func name(_ key: BlobKey) -> String { prefix + key.rawValue }

    func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo {
        try await mapped {
            do {
                let size = try await service.write(body, to: name(key))
                return BlobInfo(key: key, size: size, modifiedAt: .now())
            } catch is NameTaken {
                throw StorageError.exists(key)
            }
        }
    }

    func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent {
        try await mapped(reading: key) {
            let object = try await service.open(name(key), range: range)
            let extent = object.extent
            let body = ServiceBody(object: object, limits: service.limits)
            guard extent.range.count <= service.limits.inlineReadBytes else {
                let stream = ByteStream(length: Int64(extent.range.count), chunks: body)
                return BlobContent(source: .stream(stream), size: extent.size, range: extent.range)
            }
            var buffer = ByteBuffer()
            for try await chunk in body { buffer.gather(chunk, of: extent.range.count) }
            return BlobContent(source: .buffer(buffer), size: extent.size, range: extent.range)
        }
    }

    func info(_ key: BlobKey) async throws -> BlobInfo {
        try await mapped(reading: key) {
            let found = try await service.describe(name(key))
            return BlobInfo(key: key, size: found.size, modifiedAt: found.modifiedAt)
        }
    }

    func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
        try await mapped(reading: source) {
            let size = try await service.describe(name(source)).size
            try await service.copy(name(source), of: size, to: name(destination), as: nil)
            return BlobInfo(key: destination, size: size, modifiedAt: .now())
        }
    }

    func delete(_ keys: [BlobKey]) async throws {
        try await mapped { try await service.delete(keys.map(name)) }
    }

    func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
        try await mapped {
            let page = try await service.list(self.prefix + prefix, from: cursor, limit: limit)
            let blobs = page.entries.map { entry in
                BlobInfo(
                    key: BlobKey(String(entry.name.dropFirst(self.prefix.count))), size: entry.size, modifiedAt: entry.modifiedAt)
            }
            return BlobPage(blobs: blobs, cursor: page.next)
        }
    }
}

/// Runs `body`, turning what a service says into the core's words.
func mapped<Value>(_ body: () async throws -> Value) async throws -> Value {
    do { return try await body() } catch let failure as ServiceFailure { throw failure.storageError }
}

/// As `mapped`, where a missing key means a missing blob.
func mapped<Value>(reading key: BlobKey, _ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let failure as ServiceFailure where failure.isMissingKey {
        throw StorageError.missing(key, failure)
    } catch let failure as ServiceFailure {
        throw failure.storageError
    }
}
