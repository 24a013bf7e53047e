// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// Writes a body of any length to an object, one part of it in memory at a time.
///
/// The name appears whole or not at all. Small bodies go with their digests, which the service checks; of large ones the service's digest
/// is compared with ours, and an object that differs does not stay.
struct GCSWriter: Sendable {
    static let onlyIfFree = ("ifGenerationMatch", "0")
    /// Of an object: tells whether the one that is there is the one just written.
    private static let markName = "magpie-write"
    /// What the pieces of an upload under way have to be multiples of, in bytes.
    private static let granule = 256 << 10

    let client: ServiceClient<GCSDialect>
    let name: String
    private let mark = UUID().uuidString.lowercased()

    init(client: ServiceClient<GCSDialect>, name: String) {
        self.client = client
        self.name = name
    }

    var metadata: [String: String] { [Self.markName: mark] }

    /// - Returns: how many bytes were written.
    func write(_ body: ByteStream) async throws -> Int64 {
        let partBytes = (client.limits.partBytes + Self.granule - 1) / Self.granule * Self.granule
        var parts = BodyParts(body, partBytes: partBytes, digest: .crc32c)
        let first = try await parts.next() ?? ByteBuffer()
        if parts.isAtEnd {
            try await once { try await put(first, onlyIfFree: true) }
            return Int64(first.readableBytes)
        }
        var size: Int64 = 0
        try await once { size = try await upload(first, &parts) }
        return size
    }

    /// What is there may be what an attempt wrote whose answer was lost. - Throws: `NameTaken`.
    func once(_ write: () async throws -> Void) async throws {
        do {
            try await write()
        } catch let failure as ServiceFailure where failure.isConflict {
            let found = try await client.send(GCSRequest(.GET, .object(name), query: [("fields", GCSObject.wanted)]))
            guard try GCSObject.read(GCSObject.self, found.body).metadata?[Self.markName] == mark else { throw NameTaken() }
        }
    }

    /// Writes an object in one request.
    func put(_ body: ByteBuffer, onlyIfFree: Bool) async throws {
        let resource = GCSResource(
            name: name, contentType: "application/octet-stream", md5Hash: Checksum.of(body.readableBytesView, .md5).base64,
            crc32c: Checksum.of(body.readableBytesView, .crc32c).base64, metadata: metadata)
        let boundary = "magpie-\(mark)"
        var message = ByteBuffer(
            string: "--\(boundary)\r\ncontent-type: application/json; charset=utf-8\r\n\r\n")
        message.writeImmutableBuffer(try resource.document)
        message.writeString("\r\n--\(boundary)\r\ncontent-type: application/octet-stream\r\n\r\n")
        message.writeImmutableBuffer(body)
        message.writeString("\r\n--\(boundary)--\r\n")
        _ = try await client.send(
            GCSRequest(
                .POST, .uploads, query: [("uploadType", "multipart")] + (onlyIfFree ? [Self.onlyIfFree] : []),
                fields: [NamedValue("content-type", "multipart/related; boundary=\(boundary)")], body: message))
    }

    private func upload(_ first: ByteBuffer, _ parts: inout BodyParts) async throws -> Int64 {
        let resource = GCSResource(name: name, contentType: "application/octet-stream", metadata: metadata)
        let upload = try await GCSUpload.begin(
            client, query: [("uploadType", "resumable"), ("name", name), Self.onlyIfFree], resource: resource)
        do {
            var offset: Int64 = 0
            var part = first
            while !parts.isAtEnd {
                try await upload.send(part, at: offset)
                offset += Int64(part.readableBytes)
                part = try await parts.next() ?? ByteBuffer()
            }
            let made = try await upload.finish(part, at: offset)
            try await verify(made, parts.digest?.value)
            return offset + Int64(part.readableBytes)
        } catch {
            await upload.giveUp()
            throw error
        }
    }

    private func verify(_ made: GCSObject, _ digest: ChecksumValue?) async throws {
        guard let claimed = made.checksum, claimed != digest else { return }
        let generation = made.generation.map { [("generation", $0)] } ?? []
        _ = try await client.send(GCSRequest(.DELETE, .object(name), query: generation))
        throw ServiceFailure(.damaged)
    }
}
