// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MediaCore
import NIOCore

/// `store.json`: says that a directory is a blob store, which one, and of what format.
///
/// A disk that is not mounted leaves an empty directory behind; without this file it would pass for a store that lost
/// everything, and be filled with new blobs that vanish when the disk comes back.
struct StoreMarker: Codable, Hashable {
    static let name = "store.json"
    /// The format that this release writes, and the newest it reads.
    static let currentFormat = 1
    private static let maxBytes = 4096

    var format: Int
    var id: String
    /// The database that the store belongs to; nil before it is told of one.
    var database: String?

    /// Reads the marker, or makes a store of an empty directory when `create` allows it.
    static func open(in root: Directory, create: Bool, expecting id: String?) throws -> StoreMarker {
        let found = try read(in: root)
        guard let marker = try found ?? (create ? make(in: root) : nil) else {
            throw StorageError(
                .notConfigured,
                "The storage directory has no \(name). Is its disk mounted? A new store must be created explicitly")
        }
        guard marker.format <= currentFormat else {
            throw StorageError(.unsupported, "The storage directory has format \(marker.format), made by a newer release")
        }
        guard marker.format >= 1, id == nil || marker.id == id else {
            throw StorageError(.notConfigured, "The storage directory belongs to another store, \(marker.id)", resource: id)
        }
        return marker
    }

    private static func read(in root: Directory) throws -> StoreMarker? {
        guard let descriptor = try openFile(in: root) else { return nil }
        defer { close(descriptor) }
        let bytes = try contents(of: descriptor)
        do {
            return try JSONDecoder().decode(StoreMarker.self, from: Data(bytes))
        } catch {
            throw StorageError(.notConfigured, "The \(name) of the storage directory is not one of ours", cause: error)
        }
    }

    /// Nil when there is no marker.
    private static func openFile(in root: Directory) throws(LocalFileError) -> CInt? {
        do {
            return try root.openForReading(name)
        } catch  where error.code == ENOENT {
            return nil
        }
    }

    private static func contents(of descriptor: CInt) throws(LocalFileError) -> [UInt8] {
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: maxBytes) { space, count in
            let read = pread(descriptor, space.baseAddress, maxBytes, 0)
            code = read < 0 ? errno : 0
            count = max(0, read)
        }
        guard code == 0 else { throw LocalFileError(call: "read", code: code, path: name) }
        return bytes
    }

    private static func make(in root: Directory) throws -> StoreMarker {
        // Half-made by an earlier start is fine, blobs without a marker are not.
        for tree in BlobPlace.Tree.allCases where try root.names().contains(tree.rawValue) {
            guard try Directory(tree.rawValue, in: root).names().isEmpty else {
                throw StorageError(
                    .notConfigured, "The storage directory has blobs but no \(name): it is damaged, or not a new one")
            }
        }
        let marker = StoreMarker(format: currentFormat, id: UUID().uuidString.lowercased())
        try marker.write(in: root)
        return marker
    }

    /// Puts the marker in the place of an earlier one, durably.
    func write(in root: Directory) throws {
        let temporary = "\(Self.name).new"
        try root.remove(temporary)
        let file = try TemporaryFile(path: temporary, root: root, write: DiskWrite.system)
        do {
            var batch = WriteBatch()
            batch.append(ByteBuffer(bytes: try JSONEncoder().encode(self)))
            try file.append(batch)
            try file.synchronize()
            try root.rename(temporary, to: Self.name)
            try root.synchronize()
        } catch {
            file.discard()
            throw error
        }
        file.finish()
    }
}
