// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore
import NIOHTTP1
import WireFormats

/// `store.json`: says that there is a store below a prefix, which one, of what format, and whose.
///
/// What a database does not know it takes for left over, and removes it: two servers with databases of their own must not share a prefix.
struct S3StoreMarker: Codable, Hashable, Sendable {
    /// The format that this release writes, and the newest it reads.
    private static let currentFormat = 1
    private static let longest = 4096

    var format: Int
    var id: String
    /// The database that the store belongs to; nil before it is told of one.
    var database: String?

    /// Reads the marker, or makes it where `create` allows that.
    static func open(_ service: S3Service, _ layout: S3Layout, create: Bool) async throws -> S3StoreMarker {
        if let known = try await read(service, layout) { return known }
        guard create else {
            throw StorageError(
                .notConfigured,
                "There is no store at \(layout.prefix.isEmpty ? "the root" : layout.prefix) of the bucket, and the database has objects in one: "
                    + "are bucket and prefix right?")
        }
        let made = S3StoreMarker(format: currentFormat, id: UUID().uuidString.lowercased())
        do {
            try await made.write(service, layout, fields: [NamedValue("if-none-match", "*")])
        } catch let failure as S3Failure where failure.isConflict {
            // Another server was first.
        }
        guard let written = try await read(service, layout) else {
            throw StorageError(.backendUnavailable, "The S3 service does not show what was just written")
        }
        return written
    }

    private static func read(_ service: S3Service, _ layout: S3Layout) async throws -> S3StoreMarker? {
        let body: ByteBuffer
        do {
            body = try await service.read(S3Request(.GET, layout.marker), atMost: longest).body
        } catch let failure as S3Failure where failure.isMissingKey {
            return nil
        }
        let marker: S3StoreMarker
        do {
            marker = try JSONDecoder().decode(S3StoreMarker.self, from: Data(body.readableBytesView))
        } catch {
            throw StorageError(.notConfigured, "\(layout.marker) of the bucket is not one of ours", cause: error)
        }
        guard (1...currentFormat).contains(marker.format) else {
            throw StorageError(.unsupported, "The store in the bucket has format \(marker.format), made by a newer release")
        }
        return marker
    }

    func write(_ service: S3Service, _ layout: S3Layout, fields: [NamedValue] = []) async throws {
        let body = ByteBuffer(bytes: try JSONEncoder().encode(self))
        _ = try await service.send(
            S3Request(.PUT, layout.marker, fields: fields + [NamedValue("content-type", "application/json")], body: body))
    }
}
