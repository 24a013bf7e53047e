// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
public import MediaCore

extension LocalBlobStore {
    static let partsName = "parts"

    public func beginMultipart(at key: BlobKey) async throws -> MultipartID {
        _ = try BlobPlace(key)
        let id = MultipartID(UUID().uuidString.lowercased())
        try await onDisk { [self] in
            try root.makeDirectory("\(Self.partsName)/\(id.rawValue)")
            if options.durability == .fsync { try Directory(Self.partsName, in: root).synchronize() }
        }
        return id
    }

    public func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart {
        let directory = try Self.directory(of: id)
        // Before the body is read: a sender should not learn at the end of a part that nobody waits for it.
        _ = try await onDisk { [root] in try Self.opened(directory, in: root, id) }
        return try await receive(body) { [self] file in
            if options.durability == .fsync { try file.synchronize() }
            let status = try file.status()
            let parts = try Self.opened(directory, in: root, id)
            try root.rename(file.path, to: "\(directory)/\(number.rawValue)")
            if options.durability == .fsync { try parts.synchronize() }
            file.finish()
            return BlobPart(number: number, size: status.size, tag: status.tag)
        }
    }

    public func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
        let (place, directory) = (try BlobPlace(key), try Self.directory(of: id))
        try await onDisk { [self] in
            guard !parts.isEmpty else { throw StorageError(.invalidParameter, "No parts were given", resource: "parts") }
            for part in parts { _ = try openPart(part, in: directory, id) }
        }
        let info =
            parts.count == 1
            ? try await onDisk { [self] in
                try enter(place, key) { () throws(LocalFileError) in
                    try root.renameExclusively("\(directory)/\(parts[0].number.rawValue)", to: place.path)
                }
                return try root.status(place.path).info(key)
            } : try await concatenate(parts, in: directory, id, at: place, key)
        await removeParts(directory)
        return info
    }

    public func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {
        // An id of another form was never given out here, and an unknown one is fine.
        guard let directory = try? Self.directory(of: id) else { return }
        _ = try await onDisk { [root] in try Self.removeFiles(directory, in: root) }
    }

    /// One hop a part, so that a write of many parts shares the disk threads with others and can be cancelled.
    private func concatenate(
        _ parts: [BlobPart], in directory: String, _ id: MultipartID, at place: BlobPlace, _ key: BlobKey
    ) async throws -> BlobInfo {
        let file = try await onDisk { [self] in try temporary.makeFile(write: writeCall) }
        do {
            for part in parts {
                try Task.checkCancellation()
                try await onDisk { [self] in
                    let source = try openPart(part, in: directory, id)
                    try file.append(contentsOf: source.descriptor, size: part.size)
                }
            }
            return try await onDisk { [self] in try publish(file, at: place, key) }
        } catch {
            try await threads.run { file.discard() }
            throw error
        }
    }

    /// The blob is there already, so failing to remove its parts fails nothing: the sweep finds them.
    private func removeParts(_ directory: String) async {
        do {
            _ = try await onDisk { [root] in try Self.removeFiles(directory, in: root) }
        } catch {
            logger.notice("parts of a complete blob stay until the next sweep", metadata: ["error": "\(error)"])
        }
    }

    /// Opens a part and checks that it is the one that was acknowledged, not one written over it.
    private func openPart(_ part: BlobPart, in directory: String, _ id: MultipartID) throws -> LocalBlobFile {
        let path = "\(directory)/\(part.number.rawValue)"
        do {
            let file = LocalBlobFile(descriptor: try root.openForReading(path), threads: threads)
            let status = try FileStatus(descriptor: file.descriptor, path: path)
            guard status.tag == part.tag, status.size == part.size else { throw LocalErrorMapping.unknownPart(part.number) }
            return file
        } catch let error as LocalFileError where error.code == ENOENT {
            throw LocalErrorMapping.unknownPart(part.number)
        }
    }

    /// - Throws: `.invalidParameter` for an id that can't be one of ours: it becomes a path.
    static func directory(of id: MultipartID) throws(StorageError) -> String {
        guard UUID(uuidString: id.rawValue)?.uuidString.lowercased() == id.rawValue else {
            throw LocalErrorMapping.unknownMultipart(id)
        }
        return "\(partsName)/\(id.rawValue)"
    }

    static func opened(_ directory: String, in root: Directory, _ id: MultipartID) throws -> Directory {
        do {
            return try Directory(directory, in: root)
        } catch  where error.code == ENOENT {
            throw LocalErrorMapping.unknownMultipart(id)
        }
    }
}
