// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// Writes a body of any length to a key, a few parts of it in memory at a time.
///
/// The key appears whole or not at all. A write that fails leaves nothing: an upload in parts is given up.
struct S3Writer: Sendable {
    /// Of an object: tells whether the one that is there is the one just written.
    private static let markField = "x-amz-meta-magpie-write"

    let service: S3Service
    let key: String
    /// Whether the service refuses to write where something is already (RFC 9110 §13.1.2). Where it does not, it is asked before.
    let honoursConditions: Bool
    private let mark = UUID().uuidString.lowercased()

    init(service: S3Service, key: String, honoursConditions: Bool) {
        self.service = service
        self.key = key
        self.honoursConditions = honoursConditions
    }

    /// The key is taken.
    struct Taken: Error {}

    /// - Returns: how many bytes were written.
    /// - Throws: the body's own error; `Taken`; `S3Failure`; `StorageError` with `.lengthMismatch`, or `.tooLarge` for a body of
    ///   unknown length with more parts than an upload may have.
    func write(_ body: ByteStream) async throws -> Int64 {
        if !honoursConditions { try await requireFree() }
        var parts = S3Parts(body, partBytes: partBytes(for: body.length))
        let first = try await parts.next() ?? ByteBuffer()
        if parts.isAtEnd {
            try await put(first)
            return Int64(first.readableBytes)
        }
        return try await upload(first, parts)
    }

    private func partBytes(for length: Int64?) -> Int {
        let least = Int(((length ?? 0) / Int64(S3Configuration.mostParts - 1)) + 1)
        return max(service.configuration.partBytes, (least + 0xFFFFF) & ~0xFFFFF)
    }

    private func put(_ body: ByteBuffer) async throws {
        do {
            _ = try await service.send(S3Request(.PUT, key, fields: condition + [NamedValue(Self.markField, mark)], body: body))
        } catch let failure as S3Failure where failure.isConflict {
            try await requireOwn()
        }
    }

    private var condition: [NamedValue] { honoursConditions ? [NamedValue("if-none-match", "*")] : [] }

    private func requireFree() async throws {
        do {
            _ = try await service.send(S3Request(.HEAD, key))
            throw Taken()
        } catch let failure as S3Failure where failure.isMissingKey {
            return
        }
    }

    /// What is there may be what an attempt wrote whose answer was lost. - Throws: `Taken`.
    private func requireOwn() async throws {
        let found = try await service.send(S3Request(.HEAD, key))
        guard found.headers.first(name: Self.markField) == mark else { throw Taken() }
    }

    // MARK: In parts

    private func upload(_ first: ByteBuffer, _ parts: S3Parts) async throws -> Int64 {
        let upload = try await S3Upload.begin(service, key, fields: [NamedValue(Self.markField, mark)])
        do {
            let (tags, size) = try await send(first, parts, to: upload)
            try await complete(upload, tags)
            return size
        } catch {
            await upload.giveUp()
            throw error
        }
    }

    private func send(_ first: ByteBuffer, _ parts: S3Parts, to upload: S3Upload) async throws -> ([String], Int64) {
        var parts = parts
        return try await withThrowingTaskGroup(of: (Int, String).self) { group in
            var tags: [Int: String] = [:]
            var size: Int64 = 0
            var part: ByteBuffer? = first
            var number = 0
            while let bytes = part {
                number += 1
                guard number <= S3Configuration.mostParts else { throw StorageError.tooLarge() }
                size += Int64(bytes.readableBytes)
                if number > service.configuration.concurrentParts, let (done, tag) = try await group.next() { tags[done] = tag }
                group.addTask { [number] in (number, try await upload.send(bytes, as: number)) }
                part = try await parts.next()
            }
            for try await (done, tag) in group { tags[done] = tag }
            return ((1...number).compactMap { tags[$0] }, size)
        }
    }

    func complete(_ upload: S3Upload, _ tags: [String]) async throws {
        do {
            try await upload.complete(tags, fields: condition)
        } catch let failure as S3Failure where failure.isConflict {
            try await requireOwn()
        } catch let failure as S3Failure where failure.code == "NoSuchUpload" {
            // An attempt completed it, and its answer was lost.
            try await requireOwn()
        }
    }
}

/// An upload in parts, of the service's own.
struct S3Upload: Sendable {
    let service: S3Service
    let key: String
    let id: String

    static func begin(_ service: S3Service, _ key: String, fields: [NamedValue]) async throws -> S3Upload {
        let answer = try await service.send(S3Request(.POST, key, query: [.init("uploads", "")], fields: fields))
        guard let id = try S3Document.tree(answer.body)["UploadId"]?.text, !id.isEmpty else {
            throw S3Failure(.malformed("an upload without an id"))
        }
        return S3Upload(service: service, key: key, id: id)
    }

    /// - Returns: the part's entity tag.
    func send(_ bytes: ByteBuffer, as number: Int) async throws -> String {
        let answer = try await service.send(S3Request(.PUT, key, query: query(number), body: bytes))
        guard let tag = answer.headers.first(name: "etag") else { throw S3Failure(.malformed("a part without an entity tag")) }
        return tag
    }

    /// Makes a part of what another key holds. - Returns: the part's entity tag; nil where the service does not know how.
    func copy(_ source: String, _ range: Range<Int64>?, as number: Int) async throws -> String? {
        var fields = [NamedValue("x-amz-copy-source", service.copySource(source))]
        if let range {
            fields.append(NamedValue("x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
        }
        do {
            let answer = try await service.send(S3Request(.PUT, key, query: query(number), fields: fields))
            // Who ignores the field takes this for a part without bytes, and says nothing of a copy.
            guard answer.body.readableBytes > 0 else { return nil }
            let result = try S3Document.tree(answer.body)
            return result.name == "CopyPartResult" ? result["ETag"]?.text : nil
        } catch let failure as S3Failure where failure.isUnsupported {
            return nil
        }
    }

    func complete(_ tags: [String], fields: [NamedValue]) async throws {
        _ = try await service.send(
            S3Request(
                .POST, key, query: [.init("uploadId", id)], fields: fields + [NamedValue("content-type", "application/xml")],
                body: S3Document.completion(of: tags)))
    }

    /// Frees what the service holds of it. What can't be freed now is found by the sweep.
    func giveUp() async {
        // Not the caller's task: it may be cancelled, which is why the upload ends.
        await Task {
            do { try await abort() } catch { return }
        }.value
    }

    func abort() async throws {
        do {
            _ = try await service.send(S3Request(.DELETE, key, query: [.init("uploadId", id)]))
        } catch let failure as S3Failure where failure.status == 404 {
            return
        }
    }

    private func query(_ number: Int) -> [QueryParameters.Parameter] {
        [.init("partNumber", String(number)), .init("uploadId", id)]
    }
}

extension S3Service {
    /// The value of `x-amz-copy-source`.
    func copySource(_ key: String) -> String {
        "/\(PercentEncoding.encodeComponent(configuration.bucket))/\(PercentEncoding.encodeComponents(ofPath: key))"
    }
}

/// A body cut into parts of one size, all but the last.
struct S3Parts {
    private let length: Int64?
    private let partBytes: Int
    private var chunks: any AsyncIteratorProtocol<ByteBuffer, any Error>
    private var received: Int64 = 0
    /// What came beyond the end of the part before.
    private var rest = ByteBuffer()
    /// Whether nothing follows the part that was given last.
    private(set) var isAtEnd = false

    init(_ body: ByteStream, partBytes: Int) {
        length = body.length
        self.partBytes = partBytes
        chunks = body.chunks.makeAsyncIterator()
    }

    /// Nil once the body is over.
    /// - Throws: the body's own error; `StorageError` with `.lengthMismatch`; `CancellationError`.
    mutating func next() async throws -> ByteBuffer? {
        guard !isAtEnd else { return nil }
        var part = rest
        rest = ByteBuffer()
        while part.readableBytes <= partBytes {
            guard let chunk = try await chunks.next(isolation: nil) else {
                try end()
                break
            }
            received += Int64(chunk.readableBytes)
            if let length, received > length { throw Self.mismatch(length) }
            if part.readableBytes == 0 { part = chunk } else { part.writeImmutableBuffer(chunk) }
        }
        if part.readableBytes > partBytes {
            // Read on, so that it is known whether this part is the last.
            let first = part.readSlice(length: partBytes)
            rest = part
            isAtEnd = false
            return first
        }
        return part
    }

    private mutating func end() throws {
        // Some streams simply end when their task is cancelled. That is no complete body.
        try Task.checkCancellation()
        isAtEnd = true
        if let length, length != received { throw Self.mismatch(length) }
    }

    private static func mismatch(_ length: Int64) -> StorageError {
        StorageError(.lengthMismatch, "The body does not have the announced length of \(length) bytes")
    }
}
