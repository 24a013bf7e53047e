// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// This process's own directory below `tmp`, held by a lock that dies with the process.
///
/// So what a crashed process left behind can be told at once from what a living one is writing, without looking at clocks.
final class TemporaryDirectory: Sendable {
    static let parentName = "tmp"

    private let root: Directory
    private let directory: Directory
    private let name: String
    private let serial = Atomic<UInt64>(0)

    /// Removes the directories of dead processes and makes one for this one.
    /// - Returns: also how many files of dead processes were removed.
    static func open(in root: Directory) throws(LocalFileError) -> (TemporaryDirectory, removed: Int) {
        let parent = try Directory(parentName, in: root)
        // Nobody looks for dead processes while a directory is new and not locked yet.
        _ = try parent.lock(waiting: true)
        let removed = try removeDead(in: parent)
        return (try TemporaryDirectory(root: root, parent: parent), removed)
    }

    private init(root: Directory, parent: Directory) throws(LocalFileError) {
        self.root = root
        self.name = UUID().uuidString.lowercased()
        try parent.makeDirectory(name)
        self.directory = try Directory(name, in: parent)
        _ = try directory.lock(waiting: true)
    }

    /// Makes a temporary file.
    func makeFile(write: @escaping DiskWrite.Call) throws(LocalFileError) -> TemporaryFile {
        try TemporaryFile(path: freshPath(), root: root, write: write)
    }

    /// A name, from the store's directory, that nothing has.
    func freshPath() -> String {
        "\(Self.parentName)/\(name)/\(serial.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    /// Removes the directory. Files in it, of writes still under way, stay for the next start.
    func remove() throws(LocalFileError) {
        guard try directory.names().isEmpty else { return }
        try root.remove("\(Self.parentName)/\(name)", isDirectory: true)
    }

    /// - Returns: how many files were removed.
    private static func removeDead(in parent: Directory) throws(LocalFileError) -> Int {
        var removed = 0
        for name in try parent.names() {
            guard let candidate = try Directory.ifPresent(name, in: parent), try candidate.lock(waiting: false) else { continue }
            for file in try candidate.names() where try candidate.remove(file) { removed += 1 }
            try parent.remove(name, isDirectory: true)
        }
        return removed
    }
}
