// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import NIOCore

/// `store.json`: says that there is a store below a prefix, which one, of what format, and whose.
///
/// What a database does not know it takes for left over, and removes it: two servers with databases of their own must not share a prefix.
struct RemoteStoreMarker: Codable, Hashable, Sendable {
    /// The format that this release writes, and the newest it reads.
    private static let currentFormat = 1
    private static let longest = 4096

    var format: Int
    var id: String
    /// The database that the store belongs to; nil before it is told of one.
    var database: String?

    /// Reads the marker, or makes it where `create` allows that.
    static func open(_ service: any ObjectService, _ layout: RemoteLayout, create: Bool) async throws -> RemoteStoreMarker {
        if let known = try await read(service, layout) { return known }
        guard create else {
            throw StorageError(
                .notConfigured,
                "There is no store at \(layout.prefix.isEmpty ? "the root" : layout.prefix) of the bucket, and the database has objects in one: "
                    + "are bucket and prefix right?")
        }
        let made = RemoteStoreMarker(format: currentFormat, id: UUID().uuidString.lowercased())
        do {
            try await made.write(service, layout, onlyIfFree: true)
        } catch is NameTaken {
            // Another server was first.
        }
        guard let written = try await read(service, layout) else {
            throw StorageError(.backendUnavailable, "The storage service does not show what was just written")
        }
        return written
    }

    private static func read(_ service: any ObjectService, _ layout: RemoteLayout) async throws -> RemoteStoreMarker? {
        guard let document = try await service.document(layout.marker, atMost: longest) else { return nil }
        let marker: RemoteStoreMarker
        do {
            marker = try JSONDecoder().decode(RemoteStoreMarker.self, from: Data(document.readableBytesView))
        } catch {
            throw StorageError(.notConfigured, "\(layout.marker) of the bucket is not one of ours", cause: error)
        }
        guard (1...currentFormat).contains(marker.format) else {
            throw StorageError(.unsupported, "The store in the bucket has format \(marker.format), made by a newer release")
        }
        return marker
    }

    func write(_ service: any ObjectService, _ layout: RemoteLayout, onlyIfFree: Bool) async throws {
        let document = ByteBuffer(bytes: try JSONEncoder().encode(self))
        try await service.store(document, at: layout.marker, onlyIfFree: onlyIfFree)
    }
}
