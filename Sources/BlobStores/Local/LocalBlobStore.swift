// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Logging
public import MediaCore
import NIOCore
import Synchronization

/// A blob store on a local disk.
///
/// ```
/// store.json            which store this is
/// blobs/ab/cd/<version> blobs, by the first digits of their version
/// named/ab/cd/<name>    blobs with other keys, by a hash
/// tmp/<process>/<n>     blobs and parts being written
/// parts/<id>/<number>   parts of multipart writes
/// ```
///
/// A blob is written under a temporary name, flushed, and renamed into place; then its directory is flushed. So a name is
/// either absent or that of a whole, durable blob. Several processes may share a store.
public final class LocalBlobStore: BlobStore {
    /// What an acknowledged write survives.
    public enum Durability: String, Sendable, CaseIterable {
        /// A crash of the machine: bytes and names are flushed before a write is acknowledged.
        case fsync
        /// A crash of the process only. For tests, and for data that can be had again.
        case none
    }

    /// What can be chosen. The defaults are for a server with an SSD.
    public struct Options: Sendable {
        public var durability: Durability
        /// How many operations wait for the disk at the same time. Concurrent flushes share one commit of the file system's
        /// journal, so more threads mean more writes a second.
        public var threads: Int
        /// How much of a body is gathered before it is written, in bytes. A write holds two of these in memory at most.
        public var batchBytes: Int
        /// Up to this size, in bytes, a read returns the bytes themselves; above it, the open file.
        public var inlineReadBytes: Int

        public init(
            durability: Durability = .fsync, threads: Int = 16, batchBytes: Int = 512 * 1024, inlineReadBytes: Int = 64 * 1024
        ) {
            self.durability = durability
            self.threads = max(1, threads)
            self.batchBytes = max(1, batchBytes)
            self.inlineReadBytes = max(0, inlineReadBytes)
        }
    }

    /// Names this store among others; it never changes.
    public let id: String
    let options: Options
    let root: Directory
    let fanOut: FanOut
    let temporary: TemporaryDirectory
    private let marker: Mutex<StoreMarker>
    let threads: DiskThreads
    let writeCall: DiskWrite.Call
    let logger: Logger

    /// Opens the store in a directory.
    ///
    /// - Parameters:
    ///   - path: of the directory.
    ///   - create: makes the directory and the store when there is none. Only for the first start: later, a missing
    ///     `store.json` means that the disk is not mounted.
    ///   - id: refuses any other store than this one.
    /// - Throws: `StorageError` `.notConfigured` when there is no store, or another one; `.unsupported` for a store of a newer
    ///   release; `.backendUnavailable` when the disk does not work.
    public static func open(
        at path: String, create: Bool, expecting id: String? = nil, options: Options = Options(), logger: Logger
    ) async throws -> LocalBlobStore {
        try await open(at: path, create: create, expecting: id, options: options, logger: logger, write: DiskWrite.system)
    }

    package static func open(
        at path: String, create: Bool, expecting id: String?, options: Options, logger: Logger, write: @escaping DiskWrite.Call
    ) async throws -> LocalBlobStore {
        let threads = DiskThreads(count: options.threads)
        do {
            return try await threads.run {
                try LocalBlobStore(
                    path: path, create: create, expecting: id, options: options, threads: threads, logger: logger, write: write)
            }
        } catch {
            try await threads.shutDown()
            throw LocalErrorMapping.mapped(error)
        }
    }

    private init(
        path: String, create: Bool, expecting id: String?, options: Options, threads: DiskThreads, logger: Logger,
        write: @escaping DiskWrite.Call
    ) throws {
        if create { try Self.makeRoot(path) }
        root = try Directory(path: path)
        let marker = try StoreMarker.open(in: root, create: create, expecting: id)
        self.id = marker.id
        self.marker = Mutex(marker)
        for name in BlobPlace.Tree.allCases.map(\.rawValue) + [TemporaryDirectory.parentName, Self.partsName] {
            try root.makeDirectory(name)
        }
        fanOut = FanOut(root: root, synchronizes: options.durability == .fsync)
        try fanOut.learn()
        let removed: Int
        (temporary, removed) = try TemporaryDirectory.open(in: root)
        self.options = options
        self.threads = threads
        self.writeCall = write
        self.logger = logger
        if removed > 0 { logger.notice("removed temporary files of a crashed process", metadata: ["files": "\(removed)"]) }
    }

    private static func makeRoot(_ path: String) throws(LocalFileError) {
        do {
            try Directory.check("mkdir", "") { mkdir(path, 0o750) }
            try Directory(path: path + "/..").synchronize()
        } catch  where error.code == EEXIST {
            // The usual case: the operator made it.
        }
    }

    /// What the database that this store belongs to calls itself. Nil before the store is told of one.
    public var databaseID: String? { marker.withLock { $0.database } }

    /// Makes the store belong to a database, durably. To be called by one process at a time.
    public func belong(to databaseID: String) async throws {
        try await onDisk { [self] in
            try marker.withLock { marker in
                var changed = marker
                changed.database = databaseID
                try changed.write(in: root)
                marker = changed
            }
        }
    }

    /// Ends the store. Writes under way fail; nothing may be called afterwards.
    public func close() async throws {
        do {
            try await threads.run { [temporary] in try temporary.remove() }
        } catch {
            logger.notice("the temporary directory stays until the next start", metadata: ["error": "\(error)"])
        }
        try await threads.shutDown()
    }

    public func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo {
        let place = try BlobPlace(key)
        return try await receive(body) { [self] file in try publish(file, at: place, key) }
    }

    /// A hard link: blobs never change, so two names may share one file. Its bytes are durable already; the name is flushed.
    public func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
        let (from, to) = (try BlobPlace(source), try BlobPlace(destination))
        return try await onDisk { [self] in
            do {
                try enter(to, destination) { () throws(LocalFileError) in try root.link(from.path, to: to.path) }
                return try root.status(to.path).info(destination)
            } catch let error as LocalFileError where error.code == ENOENT {
                throw LocalErrorMapping.missing(source)
            } catch let error as LocalFileError where LocalErrorMapping.meansNoLinks(error) {
                return try copyBytes(from, source, to: to, destination)
            }
        }
    }

    /// Not flushed: a deletion that a crash undoes leaves a blob that no row names, and upkeep removes it.
    public func delete(_ keys: [BlobKey]) async throws {
        let places = try keys.map { key throws(StorageError) in try BlobPlace(key) }
        try await onDisk { [root] in for place in places { try root.remove(place.path) } }
    }

    /// Runs file operations on a disk thread and says what went wrong in the core's words.
    func onDisk<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await threads.run(work)
        } catch {
            throw LocalErrorMapping.mapped(error)
        }
    }

    private func copyBytes(_ from: BlobPlace, _ source: BlobKey, to: BlobPlace, _ destination: BlobKey) throws -> BlobInfo {
        let (original, status) = try openBlob(from, source)
        let file = try temporary.makeFile(write: writeCall)
        do {
            try file.append(contentsOf: original.descriptor, size: status.size)
            return try publish(file, at: to, destination)
        } catch {
            file.discard()
            throw error
        }
    }
}
