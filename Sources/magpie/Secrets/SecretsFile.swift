// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// `secrets.json` of a data directory: readable by its owner only, written once, never again.
///
/// Its functions block.
struct SecretsFile: Sendable {
    /// Why the file can't be used. Never shows what is in it.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let path: String

    private var directory: String { (path as NSString).deletingLastPathComponent }

    /// Nil when there is none yet.
    /// - Throws: `Failure` when it can't be read or is not whole: it is not replaced then, because what it held is in use.
    func load() throws -> Secrets? {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        } catch {
            throw Failure(description: "\(path) can't be read by this user: run as its owner, or set the keys in the environment")
        }
        do {
            return try JSONDecoder().decode(Secrets.self, from: data)
        } catch {
            throw Failure(description: "\(path) is damaged: restore it from a backup (it is never written anew, its keys are in use)")
        }
    }

    /// Keeps `secrets` unless there are some already. - Returns: those that are kept, whoever wrote them.
    /// - Throws: `Failure`.
    func keep(_ secrets: Secrets) throws -> Secrets {
        let temporary = directory + "/.secrets-\(UUID().uuidString)"
        try write(secrets, to: temporary)
        defer { unlink(temporary) }
        // Unlike a rename, a link never replaces: of concurrent starts one wins.
        guard link(temporary, path) == 0 || errno == EEXIST else { throw failure("make", path) }
        try synchronizeDirectory()
        guard let kept = try load() else { throw Failure(description: "\(path) vanished while the server started") }
        return kept
    }

    private func write(_ secrets: Secrets, to temporary: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(secrets)) + [UInt8(ascii: "\n")]
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("make", temporary) }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else {
                defer { unlink(temporary) }
                throw failure("write", temporary)
            }
            written += max(0, count)
        }
        guard fsync(descriptor) == 0 else {
            defer { unlink(temporary) }
            throw failure("sync", temporary)
        }
    }

    private func synchronizeDirectory() throws {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", directory) }
    }

    private func failure(_ verb: String, _ path: String) -> Failure {
        Failure(description: "can't \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
