// SPDX-License-Identifier: Apache-2.0

import Glibc
public import MediaCore

extension LocalBlobStore {
    /// Temporary files of dead processes are removed when a store opens; this finds what living ones left.
    public func sweepUnfinished(before date: Timestamp) async throws -> Int {
        try await onDisk { [self] in try sweepTemporaryFiles(before: date) }
    }

    /// The names are read once: to read them again for each batch would cost the square of what there is.
    public func visitUnfinishedMultiparts(
        before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
    ) async throws {
        var rest = try await onDisk { [root] in try Directory(Self.partsName, in: root).names() }[...]
        while !rest.isEmpty {
            let names = rest.prefix(max(1, batch))
            rest = rest.dropFirst(names.count)
            let found = try await onDisk { [self] in try untouched(names, since: date) }
            if !found.isEmpty { try await visit(found) }
        }
    }

    private func untouched(_ names: ArraySlice<String>, since date: Timestamp) throws -> [UnfinishedMultipart] {
        try names.compactMap { name in
            guard let touched = try touched("\(Self.partsName)/\(name)"), touched < date else { return nil }
            return UnfinishedMultipart(id: MultipartID(name), key: nil)
        }
    }

    /// When a part of a multipart write was written last. A part that is new changes the directory, one that grows only itself.
    private func touched(_ path: String) throws -> Timestamp? {
        guard let directory = try Directory.ifPresent(path, in: root) else { return nil }
        var latest = try directory.status(".").writtenAt
        for name in try directory.names() {
            if let part = try Self.status(name, in: directory) { latest = max(latest, part.writtenAt) }
        }
        return latest
    }

    /// A part that is becoming a blob has a name here for a moment, and may have been written long ago.
    private func sweepTemporaryFiles(before date: Timestamp) throws -> Int {
        var removed = 0
        try Self.forEachDirectory(in: TemporaryDirectory.parentName, of: root) { directory, _ in
            for name in try directory.names() {
                guard let status = try Self.status(name, in: directory), status.changedAt < date else { continue }
                if try directory.remove(name) { removed += 1 }
            }
        }
        return removed
    }

    /// Removes a directory and the files in it. One that is not there is fine. - Returns: how many files went.
    static func removeFiles(_ path: String, in root: Directory) throws(LocalFileError) -> Int {
        let directory: Directory
        do {
            directory = try Directory(path, in: root)
        } catch  where error.code == ENOENT {
            return 0
        }
        var removed = 0
        for name in try directory.names() where try directory.remove(name) { removed += 1 }
        do {
            try root.remove(path, isDirectory: true)
        } catch  where error.code == ENOTEMPTY || error.code == EEXIST {
            // A part arrived meanwhile: its directory was just touched and is not abandoned.
        }
        return removed
    }

    private static func forEachDirectory(
        in parent: String, of root: Directory, _ body: (Directory, String) throws -> Void
    ) throws {
        for name in try Directory(parent, in: root).names() {
            let path = "\(parent)/\(name)"
            if let directory = try Directory.ifPresent(path, in: root) { try body(directory, path) }
        }
    }

    private static func status(_ name: String, in directory: Directory) throws(LocalFileError) -> FileStatus? {
        do {
            return try directory.status(name)
        } catch  where error.code == ENOENT {
            return nil
        }
    }
}
