// SPDX-License-Identifier: Apache-2.0

import Glibc
public import MediaCore

/// Files of somebody else's below a directory, which are only read. Symbolic links in it are not followed.
public final class FileDirectory: Sendable {
    /// What a directory has in it.
    public struct Entry: Hashable, Sendable {
        public enum Kind: Hashable, Sendable { case file, directory, other }

        public var name: String
        public var kind: Kind
        /// In bytes.
        public var size: Int64
        public var modifiedAt: Timestamp
    }

    private let root: Directory
    private let threads: DiskThreads

    /// - Parameter path: from the working directory.
    /// - Throws: `StorageError` with `.notConfigured` when there is no directory that can be read.
    public init(at path: String, threads: Int = 4) throws {
        do {
            root = try Directory(path: path)
        } catch {
            throw StorageError(.notConfigured, "\(path) is no directory that can be read", cause: error)
        }
        self.threads = DiskThreads(count: threads)
    }

    /// Nothing may be called afterwards.
    public func close() async throws { try await threads.shutDown() }

    /// Opens a regular file.
    /// - Parameter path: names joined by `/`.
    /// - Throws: `StorageError` with `.blobMissing` when there is none, `.backendUnavailable`.
    public func open(_ path: String) async throws -> BlobContent {
        try await run { [root, threads] in
            guard let (name, parent) = try Self.place(of: path, below: root) else { throw Self.missing(path) }
            // Asked before it is opened: to open a pipe is to wait for its writer.
            guard try parent.status(name).isRegularFile else { throw Self.missing(path) }
            let file = LocalBlobFile(descriptor: try parent.openForReading(name), threads: threads)
            let status = try FileStatus(descriptor: file.descriptor, path: path)
            guard status.isRegularFile else { throw Self.missing(path) }
            return BlobContent(source: .file(file), size: status.size, range: 0..<status.size)
        } orMissing: {
            Self.missing(path)
        }
    }

    /// Everything in a directory, in byte order of the names.
    /// - Parameter path: empty for the directory itself.
    /// - Throws: as `open`.
    public func entries(of path: String) async throws -> [Entry] {
        try await run { [root] in
            guard let directory = try Self.directory(path.split(separator: "/"), below: root) else { throw Self.missing(path) }
            return try directory.names().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
                do {
                    let status = try directory.status(name)
                    let kind: Entry.Kind = status.isRegularFile ? .file : status.isDirectory ? .directory : .other
                    return Entry(name: name, kind: kind, size: status.size, modifiedAt: status.writtenAt)
                } catch let error as LocalFileError where error.code == ENOENT {
                    return nil
                }
            }
        } orMissing: {
            Self.missing(path)
        }
    }

    private func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value, orMissing missing: @escaping @Sendable () -> StorageError
    ) async throws -> Value {
        do {
            return try await threads.run(body)
        } catch let error as LocalFileError {
            switch error.code {
            // A link, or a name that no file can have, is none of these files.
            case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG: throw missing()
            case EACCES: throw StorageError(.accessDenied, "The file can't be read", cause: error)
            default: throw LocalErrorMapping.storageError(error)
            }
        }
    }

    /// Nil for a path that leads elsewhere.
    private static func place(of path: String, below root: Directory) throws -> (name: String, parent: Directory)? {
        let names = path.split(separator: "/")
        guard let name = names.last, name != ".", name != "..", let parent = try directory(names.dropLast(), below: root) else {
            return nil
        }
        return (String(name), parent)
    }

    private static func directory(_ names: some Sequence<Substring>, below root: Directory) throws -> Directory? {
        var directory = root
        for name in names {
            guard name != ".", name != ".." else { return nil }
            directory = try Directory(String(name), in: directory)
        }
        return directory
    }

    private static func missing(_ path: String) -> StorageError {
        StorageError(.blobMissing, "There is no such file", resource: path)
    }
}
