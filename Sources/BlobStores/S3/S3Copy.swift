// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOHTTP1
import WireFormats

/// Copies inside a bucket, without the bytes passing through here.
struct S3Copy: Sendable {
    let service: S3Service

    /// - Parameters:
    ///   - size: of the source, in bytes.
    ///   - fields: what the copy shall say of itself, instead of what the source says. Empty: the same.
    func copy(_ source: String, of size: Int64, to destination: String, fields: [NamedValue]) async throws {
        let pieceBytes = service.configuration.copyBytes
        guard size > pieceBytes else {
            let directive = fields.isEmpty ? [] : [NamedValue("x-amz-metadata-directive", "REPLACE")]
            _ = try await service.client.send(
                S3Request(
                    .PUT, destination,
                    fields: directive + fields + [NamedValue("x-amz-copy-source", service.configuration.copySource(source))]))
            return
        }
        // The service says how large its object is, and may say anything.
        guard size / Int64(pieceBytes) < Int64(S3Configuration.mostParts) else { throw StorageError.tooLarge() }
        let pieces = stride(from: 0, to: size, by: Int64.Stride(pieceBytes)).map { start in
            Piece(source: source, range: start..<min(start + pieceBytes, size))
        }
        guard try await join(pieces, into: destination, fields: fields) else {
            throw ServiceFailure(.malformed("the service does not copy large objects"))
        }
    }

    /// One object of several, where they have the sizes that S3 asks of parts and nothing has the name yet.
    /// - Returns: whether they have, and the service knows how.
    /// - Throws: `NameTaken`.
    func join(_ sources: [ObjectEntry], into name: String) async throws -> Bool {
        let longest = service.configuration.copyBytes
        if sources.count == 1, sources[0].size <= longest {
            try await service.requireFree(name)
            do {
                try await copy(sources[0].name, of: sources[0].size, to: name, fields: [])
            } catch let failure as ServiceFailure where failure.isMissingKey {
                // An attempt may have made the copy whose answer was lost, before the source went: the name was free.
                do { try await service.requireFree(name) } catch is NameTaken { return true }
                throw failure
            }
            return true
        }
        guard Self.canBeParts(sources.map(\.size), longest: longest) else { return false }
        try await service.requireFree(name)
        return try await join(sources.map { Piece(source: $0.name, range: nil) }, into: name, fields: [])
    }

    /// A source, or a range of it.
    private struct Piece {
        var source: String
        var range: Range<Int64>?
    }

    private func join(_ pieces: [Piece], into destination: String, fields: [NamedValue]) async throws -> Bool {
        let upload = try await S3Upload.begin(service, destination, fields: fields)
        do {
            var tags: [String] = []
            for (index, piece) in pieces.enumerated() {
                guard let tag = try await upload.copy(piece.source, piece.range, as: index + 1) else {
                    await upload.giveUp()
                    return false
                }
                tags.append(tag)
            }
            try await upload.complete(tags, fields: [])
            return true
        } catch {
            await upload.giveUp()
            throw error
        }
    }

    /// All but the last have one size, which some services demand, and a size that all demand.
    private static func canBeParts(_ sizes: [Int64], longest: Int64) -> Bool {
        guard let first = sizes.first, let last = sizes.last, sizes.count <= S3Configuration.mostParts else { return false }
        return first >= RemoteLimits.leastPartBytes && first <= longest && last <= first && last > 0
            && sizes.dropLast().allSatisfy { $0 == first }
    }
}
