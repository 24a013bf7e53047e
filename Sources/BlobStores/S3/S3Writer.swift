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
    private let mark = UUID().uuidString.lowercased()

    init(service: S3Service, key: String) {
        self.service = service
        self.key = key
    }

    /// - Returns: how many bytes were written.
    func write(_ body: ByteStream) async throws -> Int64 {
        if !service.honoursConditions { try await service.requireFree(key) }
        let partBytes = BodyParts.partBytes(
            for: body.length, atLeast: service.limits.partBytes, most: S3Configuration.mostParts)
        var parts = BodyParts(body, partBytes: partBytes)
        let first = try await parts.next() ?? ByteBuffer()
        if parts.isAtEnd {
            try await conditionally { try await put(first, fields: $0) }
            return Int64(first.readableBytes)
        }
        return try await upload(first, parts)
    }

    /// Writes where nothing is yet: by a condition, or having asked, where the service turns out not to know conditions.
    private func conditionally(_ write: ([NamedValue]) async throws -> Void) async throws {
        do {
            try await write(service.onlyIfFree)
        } catch let failure as ServiceFailure where failure.isUnsupported && service.honoursConditions {
            service.learnThatConditionsAreIgnored()
            try await service.requireFree(key)
            try await write([])
        }
    }

    private func put(_ body: ByteBuffer, fields: [NamedValue]) async throws {
        do {
            _ = try await service.client.send(
                S3Request(.PUT, key, fields: fields + [NamedValue(Self.markField, mark)], body: body))
        } catch let failure as ServiceFailure where failure.isConflict {
            try await requireOwn()
        }
    }

    /// What is there may be what an attempt wrote whose answer was lost. - Throws: `NameTaken`.
    private func requireOwn() async throws {
        let found = try await service.client.send(S3Request(.HEAD, key))
        guard found.headers.first(name: Self.markField) == mark else { throw NameTaken() }
    }

    // MARK: In parts

    private func upload(_ first: ByteBuffer, _ parts: BodyParts) async throws -> Int64 {
        let upload = try await S3Upload.begin(service, key, fields: [NamedValue(Self.markField, mark)])
        do {
            let sent = try await BodyParts.send(
                first, parts, concurrently: service.limits.concurrentParts, most: S3Configuration.mostParts
            ) { try await upload.send($0, as: $1) }
            try await conditionally { try await complete(upload, sent.receipts, fields: $0) }
            return sent.size
        } catch {
            await upload.giveUp()
            throw error
        }
    }

    private func complete(_ upload: S3Upload, _ tags: [String], fields: [NamedValue]) async throws {
        do {
            try await upload.complete(tags, fields: fields)
        } catch let failure as ServiceFailure where failure.isConflict {
            try await requireOwn()
        } catch let failure as ServiceFailure where failure.code == "NoSuchUpload" {
            // An attempt completed it, and its answer was lost.
            try await requireOwn()
        }
    }
}
