// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// Writes a body of any length to a block blob, a few blocks of it in memory at a time.
///
/// The name appears whole or not at all: blocks are nothing before a list of them is committed. The service checks each request's digest.
struct AzureWriter: Sendable {
    /// The service's, for one blob.
    static let mostBlocks = 50_000
    static let onlyIfFree = NamedValue("if-none-match", "*")
    /// Of a blob: tells whether the one that is there is the one just written.
    private static let markField = "x-ms-meta-magpiewrite"

    let client: ServiceClient<AzureDialect>
    let name: String
    private let mark = UUID().uuidString.lowercased()

    init(client: ServiceClient<AzureDialect>, name: String) {
        self.client = client
        self.name = name
    }

    /// - Returns: how many bytes were written.
    func write(_ body: ByteStream) async throws -> Int64 {
        let partBytes = BodyParts.partBytes(for: body.length, atLeast: client.limits.partBytes, most: Self.mostBlocks)
        var parts = BodyParts(body, partBytes: partBytes, digest: .md5)
        let first = try await parts.next() ?? ByteBuffer()
        if parts.isAtEnd {
            try await once { try await put(first, fields: [Self.onlyIfFree]) }
            return Int64(first.readableBytes)
        }
        let sent = try await BodyParts.send(
            first, parts, concurrently: client.limits.concurrentParts, most: Self.mostBlocks
        ) { bytes, number in try await putBlock(bytes, number) }
        let digest = sent.digest.map { [NamedValue("x-ms-blob-content-md5", $0.base64)] } ?? []
        try await once { try await commit(sent.receipts, fields: [Self.onlyIfFree] + digest) }
        return sent.size
    }

    /// What is there may be what an attempt wrote whose answer was lost. - Throws: `NameTaken`.
    private func once(_ write: () async throws -> Void) async throws {
        do {
            try await write()
        } catch let failure as ServiceFailure where failure.isConflict {
            let found = try await client.send(AzureRequest(.HEAD, name))
            guard found.headers.first(name: Self.markField) == mark else { throw NameTaken() }
        }
    }

    /// Writes a blob in one request.
    func put(_ body: ByteBuffer, fields: [NamedValue]) async throws {
        _ = try await client.send(
            AzureRequest(
                .PUT, name,
                fields: fields + [
                    NamedValue("x-ms-blob-type", "BlockBlob"), NamedValue(Self.markField, mark),
                    NamedValue("content-md5", Checksum.of(body.readableBytesView, .md5).base64),
                ], body: body))
    }

    /// Those of one blob must have one length. Nobody else's are like these.
    func blockID(_ number: Int) -> String {
        Data("\(mark)-\(MultipartLayout.padded(number, to: 6))".utf8).base64EncodedString()
    }

    /// - Returns: the block's id.
    private func putBlock(_ bytes: ByteBuffer, _ number: Int) async throws -> String {
        let id = blockID(number)
        _ = try await client.send(
            AzureRequest(
                .PUT, name, query: Self.block(id),
                fields: [NamedValue("content-md5", Checksum.of(bytes.readableBytesView, .md5).base64)], body: bytes))
        return id
    }

    /// Makes a block of what another blob holds, without its bytes passing through here.
    func copyBlock(_ number: Int, from source: String, _ range: Range<Int64>) async throws {
        _ = try await client.send(
            AzureRequest(
                .PUT, name, query: Self.block(blockID(number)),
                fields: [
                    NamedValue("x-ms-copy-source", try client.dialect.source(source)),
                    NamedValue("x-ms-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"),
                ]))
    }

    /// Makes the blob of blocks, in their order.
    func commit(_ blocks: [String], fields: [NamedValue]) async throws {
        let list = AzureDocument.blockList(blocks)
        _ = try await client.send(
            AzureRequest(
                .PUT, name, query: [.init(name: "comp", value: "blocklist")],
                fields: fields + [
                    NamedValue(Self.markField, mark), NamedValue("content-type", "application/xml"),
                    NamedValue("content-md5", Checksum.of(list.readableBytesView, .md5).base64),
                ], body: list))
    }

    private static func block(_ id: String) -> [QueryParameters.Parameter] {
        [.init(name: "comp", value: "block"), .init(name: "blockid", value: id)]
    }
}
