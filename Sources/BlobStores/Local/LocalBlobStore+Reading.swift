// SPDX-License-Identifier: Apache-2.0

import Glibc
public import MediaCore
import NIOCore

/// Reads are made where they are asked for, without a hop to a disk thread: opening a file and reading up to 64 KiB that
/// are in the page cache takes some microseconds, less than the hop, and measured twice the requests a second. What is not
/// in the page cache costs one read of an SSD; larger bodies are read by whoever sends them.
extension LocalBlobStore {
    public func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent {
        do {
            let (file, status) = try openBlob(BlobPlace(key), key)
            let wanted = try range?.resolved(size: status.size) ?? 0..<status.size
            guard wanted.count <= options.inlineReadBytes else {
                return BlobContent(source: .file(file), size: status.size, range: wanted)
            }
            return BlobContent(source: .buffer(try file.read(wanted)), size: status.size, range: wanted)
        } catch {
            throw LocalErrorMapping.mapped(error)
        }
    }

    public func info(_ key: BlobKey) async throws -> BlobInfo {
        let place = try BlobPlace(key)
        do {
            let status = try root.status(place.path)
            guard status.isRegularFile else { throw LocalErrorMapping.missing(key) }
            return status.info(key)
        } catch let error as LocalFileError {
            throw error.code == ENOENT ? LocalErrorMapping.missing(key) : LocalErrorMapping.storageError(error)
        }
    }

    /// - Throws: `.blobMissing`; `LocalFileError`.
    func openBlob(_ place: BlobPlace, _ key: BlobKey) throws -> (file: LocalBlobFile, status: FileStatus) {
        do {
            let file = LocalBlobFile(descriptor: try root.openForReading(place.path), threads: threads)
            let status = try FileStatus(descriptor: file.descriptor, path: place.path)
            guard status.isRegularFile else { throw LocalErrorMapping.missing(key) }
            return (file, status)
        } catch let error as LocalFileError where error.code == ENOENT {
            throw LocalErrorMapping.missing(key)
        }
    }
}
