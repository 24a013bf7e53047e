// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import NIOCore
import WireFormats

/// Publishes blobs in the bucket that they are in, below a prefix that a CDN serves.
public struct S3Publisher: BlobPublisher {
    public let backend: BackendID
    private let store: RemoteBlobStore
    private let prefix: String
    private let publicURL: String

    /// - Parameters:
    ///   - backend: what `store` is called.
    ///   - prefix: in front of every name, with a `/` at its end: `compute/`.
    ///   - publicURL: where the bucket is served, without a `/` at its end.
    public init(store: RemoteBlobStore, backend: BackendID, prefix: String, publicURL: String) {
        self.store = store
        self.backend = backend
        self.prefix = prefix
        self.publicURL = publicURL
    }

    public func publish(_ blob: BlobKey, of size: Int64, as name: String, mediaType: String, cacheControl: String?) async throws {
        try await mapped(reading: blob) {
            try await store.service.copy(
                store.blobs.name(blob), of: size, to: prefix + name, as: Self.presentation(mediaType, cacheControl))
        }
    }

    public func publish(_ body: ByteStream, as name: String, mediaType: String, cacheControl: String?) async throws {
        // By way of a blob of its own, so that the name is never without bytes and never half-written.
        let blob = BlobKey("publication-\(ObjectVersion().rawValue)")
        let info = try await store.put(body, at: blob)
        do {
            try await publish(blob, of: info.size, as: name, mediaType: mediaType, cacheControl: cacheControl)
            try await store.delete([blob])
        } catch {
            // What stays is a blob without a row, which the sweep removes.
            throw error
        }
    }

    public func withdraw(_ name: String) async throws {
        try await mapped { try await store.service.delete([prefix + name]) }
    }

    public func published(after name: String?, limit: Int) async throws -> BlobPage {
        try await mapped {
            let page = try await store.service.list(prefix, from: name.map { prefix + $0 }, limit: limit)
            let blobs = page.entries.map { entry in
                BlobInfo(key: BlobKey(String(entry.name.dropFirst(prefix.count))), size: entry.size, modifiedAt: entry.modifiedAt)
            }
            return BlobPage(blobs: blobs, cursor: page.next == nil ? nil : blobs.last?.key.rawValue)
        }
    }

    public func canPublish(_ name: String) -> Bool {
        (prefix + name).utf8.count <= store.service.longestName
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { !["", ".", ".."].contains($0) }
            && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    public func url(of name: String) -> String {
        "\(publicURL)/\(PercentEncoding.encodePath(prefix + name))"
    }

    private static func presentation(_ mediaType: String, _ cacheControl: String?) -> ObjectPresentation {
        // Rows of old databases hold anything; a header field does not.
        func isValue(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
        let control = cacheControl.flatMap { isValue($0) && !$0.isEmpty ? $0 : nil }
        return ObjectPresentation(
            mediaType: isValue(mediaType) ? mediaType : "application/octet-stream", cacheControl: control)
    }
}
