// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// How bytes become a blob: temporary file, flush, rename, flush of the directory.
extension LocalBlobStore {
    /// Writes a body to a temporary file and hands that to `finish`, on a disk thread.
    ///
    /// While one batch is being written the next is gathered, so the sender's work (receiving, hashing) and the disk's
    /// overlap, and a write holds two batches at most. A body of one batch takes one hop. Whatever goes wrong, the
    /// temporary file is gone before this throws.
    func receive<Value: Sendable>(
        _ body: ByteStream, _ finish: @escaping @Sendable (TemporaryFile) throws -> Value
    ) async throws -> Value {
        var incoming = IncomingBody(body, batchBytes: options.batchBytes)
        let first = try await incoming.nextBatch()
        if incoming.isAtEnd {
            return try await onDisk { [self] in
                let file = try temporary.makeFile(write: writeCall)
                return try Self.discarding(file) {
                    try file.append(first)
                    return try finish(file)
                }
            }
        }

        let length = incoming.length
        let file = try await onDisk { [self] in
            let file = try temporary.makeFile(write: writeCall)
            try Self.discarding(file) { try file.preallocate(length) }
            return file
        }
        do {
            let last = try await append(first, andAllOf: &incoming, to: file)
            try Task.checkCancellation()
            return try await onDisk {
                try file.append(last)
                return try finish(file)
            }
        } catch {
            try await threads.run { file.discard() }
            throw error
        }
    }

    /// Writes everything but the last batch, which it returns.
    private func append(
        _ first: WriteBatch, andAllOf incoming: inout IncomingBody, to file: TemporaryFile
    ) async throws -> WriteBatch {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var batch = first
            while !incoming.isAtEnd {
                group.addTask { [batch] in try await self.onDisk { try file.append(batch) } }
                batch = try await incoming.nextBatch()
                try await group.next()
            }
            return batch
        }
    }

    /// Gives a written file its place, durably.
    /// - Throws: `.internal` when the key is taken. Nothing is left under the key.
    func publish(_ file: TemporaryFile, at place: BlobPlace, _ key: BlobKey) throws -> BlobInfo {
        if options.durability == .fsync { try file.synchronize() }
        try enter(place, key) { () throws(LocalFileError) in try root.renameExclusively(file.path, to: place.path) }
        let info = try file.status().info(key)
        file.finish()
        return info
    }

    /// Makes a name in a place by `naming`, which must fail with EEXIST when the name is taken, and makes it durable.
    ///
    /// What can't be made durable loses the name again: `naming` must not take the only name of bytes that were acknowledged.
    func enter(_ place: BlobPlace, _ key: BlobKey, by naming: () throws(LocalFileError) -> Void) throws {
        try fanOut.prepare(place)
        do {
            do throws(LocalFileError) {
                try naming()
            } catch  where error.code == ENOENT {
                // The directory may have been removed from outside; if it is the file that is missing, this fails again.
                fanOut.forget(place)
                try fanOut.prepare(place)
                try naming()
            }
        } catch  where error.code == EEXIST {
            throw LocalErrorMapping.exists(key)
        }
        guard options.durability == .fsync else { return }
        do {
            try Directory(place.directory, in: root).synchronize()
        } catch {
            // Not durable, so not written: a failed write leaves nothing behind.
            try root.remove(place.path)
            throw error
        }
    }

    private static func discarding<Value>(_ file: TemporaryFile, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            file.discard()
            throw error
        }
    }
}
