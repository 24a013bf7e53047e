// SPDX-License-Identifier: Apache-2.0

import Glibc
public import MediaCore

extension LocalBlobStore {
    /// Temporary files of dead processes are removed when a store opens; this finds what living ones left.
    public func sweepUnfinished(before date: Timestamp) async throws -> Int {
        try await onDisk { [self] in try sweepTemporaryFiles(before: date) + sweepParts(before: date) }
    }

    private func sweepTemporaryFiles(before date: Timestamp) throws -> Int {
        var removed = 0
        try Self.forEachDirectory(in: TemporaryDirectory.parentName, of: root) { directory, _ in
            for name in try directory.names() {
                guard let status = try Self.status(name, in: directory), status.writtenAt < date else { continue }
                if try directory.remove(name) { removed += 1 }
            }
        }
        return removed
    }

    private func sweepParts(before date: Timestamp) throws -> Int {
        var removed = 0
        try Self.forEachDirectory(in: Self.partsName, of: root) { directory, path in
            // Every part that is written changes the directory.
            guard try directory.status(".").writtenAt < date else { return }
            removed += try Self.removeFiles(path, in: root)
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
