// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
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
        if parts.count == 1, let info = try await publish(parts[0], in: directory, at: place, key) { return info }
        return try await concatenate(parts, in: directory, id, at: place, key)
    }

    public func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {
        // An id of another form was never given out here, and an unknown one is fine.
        guard let directory = try? Self.directory(of: id) else { return }
        _ = try await onDisk { [root] in try Self.removeFiles(directory, in: root) }
    }

    /// Makes a blob of a single part without copying its bytes: a second name of its file, so that a failure or a crash at any
    /// point leaves the part where it is.
    ///
    /// Another request may put a new file under the part's name at any time. So the file first gets a name of its own, and it is
    /// that name's file that is looked at and published.
    /// - Returns: nil where the file system has no links.
    private func publish(
        _ part: BlobPart, in directory: String, at place: BlobPlace, _ key: BlobKey
    ) async throws -> BlobInfo? {
        try await onDisk { [self] in
            let name = temporary.freshPath()
            do {
                try root.link("\(directory)/\(part.number.rawValue)", to: name)
            } catch let error as LocalFileError where error.code == ENOENT {
                throw LocalErrorMapping.unknownPart(part.number)
            } catch let error as LocalFileError where LocalErrorMapping.meansNoLinks(error) {
                return nil
            }
            do {
                let status = try root.status(name)
                guard status.tag == part.tag, status.size == part.size else {
                    throw LocalErrorMapping.unknownPart(part.number)
                }
                try enter(place, key) { () throws(LocalFileError) in try root.renameExclusively(name, to: place.path) }
            } catch {
                // The sweep removes it should this fail too; the failure that led here is the one to report.
                _ = try? root.remove(name)
                throw error
            }
            return try root.status(place.path).info(key)
        }
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

    /// - Throws: `.uploadNotFound` for an id that can't be one of ours: it becomes a path.
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
