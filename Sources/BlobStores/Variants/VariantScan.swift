// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// Goes through the directories of a store of variants. Blocks: for disk threads.
struct VariantScan {
    static let droppedPrefix = "dropped-"

    let root: Directory
    /// Whether it is to give up, since the store is being closed.
    let isCancelled: () -> Bool

    /// The files that are there, each with the time of its last mark in seconds since 1970. What is none of ours is left alone.
    func files() throws -> [(file: VariantFile, marked: UInt32)] {
        var found: [(file: VariantFile, marked: UInt32)] = []
        try forEachDirectory(in: VariantFile.directoryName) { path, directory in
            for name in try directory.names() {
                guard let file = VariantFile(name: name), file.directory == path,
                    let status = try self.status(of: name, in: directory)
                else { continue }
                guard status.isRegularFile, status.size == Int64(file.size) else {
                    try directory.remove(name)
                    continue
                }
                found.append((file, UInt32(clamping: status.writtenAt.seconds)))
            }
        }
        return found
    }

    /// Nil when it went meanwhile.
    private func status(of name: String, in directory: Directory) throws(LocalFileError) -> FileStatus? {
        do throws(LocalFileError) {
            return try directory.status(name)
        } catch {
            guard error.code == ENOENT else { throw error }
            return nil
        }
    }

    /// Removes what was moved aside.
    func removeDropped() throws {
        for dropped in try root.names() where dropped.hasPrefix(Self.droppedPrefix) {
            try forEachDirectory(in: dropped) { path, directory in
                for name in try directory.names() { try directory.remove(name) }
                try root.remove(path, isDirectory: true)
            }
            guard !isCancelled() else { return }
            try root.remove(dropped, isDirectory: true)
        }
    }

    private func forEachDirectory(in name: String, _ body: (String, Directory) throws -> Void) throws {
        let parent = try Directory(name, in: root)
        for child in try parent.names() {
            guard !isCancelled() else { return }
            guard let directory = try Directory.ifPresent(child, in: parent) else { continue }
            try body("\(name)/\(child)", directory)
        }
    }
}
