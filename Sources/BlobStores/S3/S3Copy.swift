// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import WireFormats

/// Copies inside a bucket, without the bytes passing through here.
struct S3Copy: Sendable {
    let service: S3Service

    /// - Parameters:
    ///   - size: of the source, in bytes.
    ///   - fields: what the copy shall say of itself, instead of what the source says. Empty: the same.
    /// - Throws: `S3Failure`.
    func copy(_ source: String, of size: Int64, to destination: String, fields: [NamedValue]) async throws {
        let pieceBytes = service.configuration.copyBytes
        guard size > pieceBytes else {
            let directive = fields.isEmpty ? [] : [NamedValue("x-amz-metadata-directive", "REPLACE")]
            _ = try await service.send(
                S3Request(
                    .PUT, destination,
                    fields: directive + fields + [NamedValue("x-amz-copy-source", service.copySource(source))]))
            return
        }
        let pieces = stride(from: 0, to: size, by: Int64.Stride(pieceBytes)).map { start in
            Piece(source: source, range: start..<min(start + pieceBytes, size))
        }
        guard try await join(pieces, into: destination, fields: fields) else {
            throw S3Failure(.malformed("the service does not copy large objects"))
        }
    }

    /// A source, or a range of it.
    struct Piece {
        var source: String
        var range: Range<Int64>?
    }

    /// Makes one object of pieces, in their order. All but the last must have at least 5 MiB.
    /// - Returns: whether the service knows how; where it does not, nothing happened.
    /// - Throws: `S3Failure`.
    func join(_ pieces: [Piece], into destination: String, fields: [NamedValue], completing: [NamedValue] = []) async throws
        -> Bool
    {
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
            try await upload.complete(tags, fields: completing)
            return true
        } catch {
            await upload.giveUp()
            throw error
        }
    }
}
