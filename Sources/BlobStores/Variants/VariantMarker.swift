// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import NIOCore

/// `state.json`: since when the files of a directory of variants can be trusted.
///
/// Variants are not flushed: they can be made again, and a flush costs more than most of them. While the machine runs, what was
/// renamed into place is whole, whatever becomes of this process. After a crash of the machine names may be there whose bytes never
/// came. So the marker says during which run of the machine files were written; the files of another run count only when the
/// server ended in order, and flushed them. Otherwise all are dropped: checking each would need a digest of each, read back at
/// every first use, to save what such a rare event costs.
struct VariantMarker: Codable, Hashable {
    static let name = "state.json"
    /// The format of names and directories. Files of any other are dropped.
    static let currentFormat = 1
    private static let maxBytes: Int64 = 4096

    var format: Int
    /// Names a run of the machine. Nil where the system does not say: then nothing is trusted that was not flushed.
    var boot: String?
    /// Whether everything was flushed, and nothing was written since.
    var isFlushed: Bool

    /// Whether the files that it was written for are whole.
    func trusts(boot current: String?) -> Bool {
        guard format == Self.currentFormat else { return false }
        if isFlushed { return true }
        return boot != nil && boot == current
    }

    /// Nil when there is none, or none that makes sense: nothing is to be trusted then.
    static func read(in root: Directory, _ threads: DiskThreads) throws -> VariantMarker? {
        let file: LocalBlobFile
        do {
            file = LocalBlobFile(descriptor: try root.openForReading(name), threads: threads)
        } catch  where error.code == ENOENT {
            return nil
        }
        let size = try FileStatus(descriptor: file.descriptor, path: name).size
        guard size <= maxBytes else { return nil }
        let bytes = try file.read(0..<size)
        do {
            return try JSONDecoder().decode(VariantMarker.self, from: Data(bytes.readableBytesView))
        } catch {
            // Torn by a crash, or of a format to come: its files are not trusted.
            return nil
        }
    }

    /// Writes the marker durably: it must never promise more than holds.
    func write(in root: Directory, through path: String, _ write: @escaping DiskWrite.Call) throws {
        let file = try TemporaryFile(path: path, root: root, write: write)
        do {
            var batch = WriteBatch()
            batch.append(ByteBuffer(bytes: try JSONEncoder().encode(self)))
            try file.append(batch)
            try file.synchronize()
            try root.rename(path, to: Self.name)
            file.finish()
        } catch {
            file.discard()
            throw error
        }
        try root.synchronize()
    }

    /// Names this run of the machine.
    static func currentBoot() -> String? {
        do {
            return try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            return nil
        }
    }
}
