// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Synchronization

/// This process's own directory for work on files, held by a lock that dies with the process: so that what a killed process left is told
/// from what a living one works on, without looking at clocks.
final class Scratch: Sendable {
    private let parent: ScratchDirectory
    private let name: String
    private let directory: ScratchDirectory
    private let serial = Atomic<UInt64>(0)

    /// Removes the directories of dead processes and makes one for this one.
    /// - Parameter path: of a directory that this makes, in one that exists.
    static func open(at path: String) throws(ScratchFailure) -> Scratch {
        let parent = try ScratchDirectory(path: path)
        // Nobody looks for dead processes while a directory is new and not locked yet. The lock goes with this object.
        let gate = try ScratchDirectory(path: path)
        try gate.waitForLock()
        defer { withExtendedLifetime(gate) {} }
        for name in try parent.names() {
            let candidate: ScratchDirectory
            do {
                candidate = try ScratchDirectory(name, in: parent)
            } catch {
                // No directory, so none of ours.
                continue
            }
            if try candidate.lock() { try parent.removeDirectory(name) }
        }
        return try Scratch(parent: parent)
    }

    private init(parent: ScratchDirectory) throws(ScratchFailure) {
        self.parent = parent
        var random = SystemRandomNumberGenerator()
        name = String(random.next(), radix: 36)
        directory = try parent.makeDirectory(name)
        try directory.waitForLock()
    }

    /// Makes an empty directory. - Returns: also its name, to remove it by.
    func makeDirectory() throws(ScratchFailure) -> (name: String, directory: ScratchDirectory) {
        let name = "\(serial.wrappingAdd(1, ordering: .relaxed).newValue)"
        return (name, try directory.makeDirectory(name))
    }

    func removeDirectory(_ name: String) throws(ScratchFailure) { try directory.removeDirectory(name) }

    /// Removes all there is.
    func remove() throws(ScratchFailure) { try parent.removeDirectory(name) }
}
