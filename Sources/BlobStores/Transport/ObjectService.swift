// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// What clouds do with objects, as far as blobs are made of it. Names are whole keys of the bucket.
///
/// Every call throws `ServiceFailure` for what the service or the way to it did, and `CancellationError`.
protocol ObjectService: Sendable {
    var limits: RemoteLimits { get }

    /// The longest name the service takes, in bytes.
    var longestName: Int { get }

    /// Learns what the service can, by trying it below `probes`. Not needed, but what it can't is then known before it matters.
    /// - Returns: what an operator ought to know of it.
    func prepare(probes: String) async throws -> [String]

    /// Writes a body of any length, a few parts of it in memory at a time. The name appears whole or not at all; a write that fails
    /// leaves nothing that can be read.
    /// - Returns: how many bytes were written.
    /// - Throws: the body's own error; `NameTaken`; `StorageError` with `.lengthMismatch`, or `.tooLarge` for a body of unknown
    ///   length with more parts than one may have.
    func write(_ body: ByteStream, to name: String) async throws -> Int64

    /// Writes a small document, whatever was there.
    /// - Parameter onlyIfFree: not where something is already, which is `NameTaken`, as far as the service can tell.
    func store(_ document: ByteBuffer, at name: String, onlyIfFree: Bool) async throws

    func open(_ name: String, range: ByteRange?) async throws -> RemoteObject

    func describe(_ name: String) async throws -> ObjectEntry

    /// Makes `destination` hold what `source` holds, whatever was there.
    /// - Parameters:
    ///   - size: of the source, in bytes.
    ///   - presentation: what the copy shall say of itself. Nil: what the source says.
    func copy(_ source: String, of size: Int64, to destination: String, as presentation: ObjectPresentation?) async throws

    /// Makes one object of several, in their order, without the bytes passing through here.
    /// - Returns: whether the service can do that with these; where it can't, nothing happened.
    /// - Throws: `NameTaken`.
    func join(_ sources: [ObjectEntry], into name: String) async throws -> Bool

    /// Those that are absent are fine.
    func delete(_ names: [String]) async throws

    /// A page of the names that begin with `prefix`, in byte order. It may be shorter than `limit`, but is not empty while more follow.
    /// - Parameter token: what the page before said of the next one.
    func list(_ prefix: String, from token: String?, limit: Int) async throws -> ObjectPage

    /// Gives up what writes that crashed left below `prefix` and no list shows. Returns how many.
    func sweepUnfinished(below prefix: String, before date: Timestamp) async throws -> Int

    /// Closes the connections. Nothing may be called afterwards.
    func close() async throws
}

/// There is an object with this name already.
struct NameTaken: Error {}

/// What an answer says of an object when it is read by others.
struct ObjectPresentation: Sendable {
    var mediaType: String
    var cacheControl: String?
}

/// An object as a list shows it.
struct ObjectEntry: Hashable, Sendable {
    var name: String
    /// In bytes.
    var size: Int64
    var modifiedAt: Timestamp
}

struct ObjectPage: Sendable {
    var entries: [ObjectEntry]
    /// Nil on the last.
    var next: String?
}

extension ObjectService {
    /// A small document. Nil where there is none.
    func document(_ name: String, atMost limit: Int) async throws -> ByteBuffer? {
        do {
            let object = try await open(name, range: nil)
            guard object.extent.size <= Int64(limit) else { throw ServiceFailure(.malformed("a document that is too long")) }
            var document = ByteBuffer()
            for try await chunk in ServiceBody(object: object, limits: limits) { document.writeImmutableBuffer(chunk) }
            return document
        } catch let failure as ServiceFailure where failure.isMissingKey {
            return nil
        }
    }

    /// All objects below a folder.
    func all(below folder: String) async throws -> [ObjectEntry] {
        var all: [ObjectEntry] = []
        var token: String?
        repeat {
            let page = try await list(folder, from: token, limit: 1000)
            all += page.entries
            token = page.next
        } while token != nil
        return all
    }
}
