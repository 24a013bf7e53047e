// SPDX-License-Identifier: Apache-2.0

import Glibc
public import MediaCore
import NIOCore

extension LocalBlobStore {
    /// One part grows as long as it likes: a multipart write of one part is completed without copying it.
    public var preferredPartBytes: Int64? { nil }

    /// The file is written in place. Its lock, which dies with the process, keeps two writers apart, also of two processes;
    /// its size and time of writing show whether it still is what was acknowledged.
    public func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart {
        let directory = try Self.directory(of: id)
        let file = try await onDisk { [self] in
            let file = try GrowingPart(part, directory: try Self.opened(directory, in: root, id), write: writeCall)
            try file.prepare(takingOver: takingOver)
            return file
        }
        var incoming = IncomingBody(body, batchBytes: options.batchBytes)
        let last = try await append(allOf: &incoming, to: file)
        try Task.checkCancellation()
        return try await onDisk { [self] in
            try file.append(last)
            return try file.finish(synchronizes: options.durability == .fsync)
        }
    }

    /// Writes everything but the last batch, which it returns. While one batch is being written the next is gathered.
    private func append(allOf incoming: inout IncomingBody, to file: GrowingPart) async throws -> WriteBatch {
        let first = try await incoming.nextBatch()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            var batch = first
            while !incoming.isAtEnd {
                group.addTask { [batch] in try await self.onDisk { try file.append(batch) } }
                batch = try await incoming.nextBatch()
                try await group.next()
            }
            return batch
        }
    }
}

/// A part's file while bytes are put behind it. Used by one writer at a time, on disk threads.
private final class GrowingPart: Sendable {
    private let part: BlobPart
    private let name: String
    private let directory: Directory
    private let descriptor: CInt
    private let write: DiskWrite.Call

    init(_ part: BlobPart, directory: Directory, write: @escaping DiskWrite.Call) throws {
        self.part = part
        self.name = String(part.number.rawValue)
        self.directory = directory
        self.write = write
        self.descriptor = try directory.openForWriting(name)
    }

    deinit { close(descriptor) }

    /// Takes the lock and leaves exactly the bytes that were acknowledged.
    func prepare(takingOver: Bool) throws {
        do throws(LocalFileError) {
            try Directory.check("flock", name) { flock(descriptor, LOCK_EX | LOCK_NB) }
        } catch {
            guard error.code == EWOULDBLOCK else { throw error }
            throw LocalErrorMapping.partInUse(part.number)
        }
        let status = try FileStatus(descriptor: descriptor, path: name)
        // While this waited to be run, the part may have become a blob, which nobody writes to: then its file has two names,
        // or the part has another file by now.
        guard status.links == 1, try directory.status(name).isSameFile(as: status) else {
            throw LocalErrorMapping.partChanged(part.number)
        }
        // A file of no bytes is as good as none: whoever made it acknowledged nothing.
        let isExact = status.size == part.size && (part.size == 0 || status.tag == part.tag)
        guard isExact || takingOver, status.size >= part.size else { throw LocalErrorMapping.partChanged(part.number) }
        if !isExact { try Directory.check("ftruncate", name) { ftruncate(descriptor, off_t(part.size)) } }
        let end = lseek(descriptor, 0, SEEK_END)
        guard end == off_t(part.size) else { throw LocalFileError(call: "lseek", code: end < 0 ? errno : EIO, path: name) }
    }

    func append(_ batch: WriteBatch) throws(LocalFileError) {
        for piece in batch.pieces {
            var written = 0
            while written < piece.readableBytes {
                let count = piece.withUnsafeReadableBytes { bytes in
                    write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...]))
                }
                if count < 0, errno != EINTR { throw LocalFileError(call: "write", code: errno, path: name) }
                written += max(0, count)
            }
        }
    }

    /// Makes the bytes, and the name of a new part, survive a crash of the machine. - Returns: the part as it is now.
    func finish(synchronizes: Bool) throws(LocalFileError) -> BlobPart {
        if synchronizes {
            try Directory.check("fdatasync", name) { fdatasync(descriptor) }
            if part.size == 0 { try directory.synchronize() }
        }
        let status = try FileStatus(descriptor: descriptor, path: name)
        // Not left to the end of this object's life: the thread that ran this may keep it a moment longer than its caller waits,
        // who may go on with the next piece.
        try Directory.check("flock", name) { flock(descriptor, LOCK_UN) }
        return BlobPart(number: part.number, size: status.size, tag: status.tag)
    }
}
