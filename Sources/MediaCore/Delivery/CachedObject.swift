// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import Synchronization

/// The bytes of a cached object, to be held by those who made something of it: holding them keeps nothing in memory once the
/// cache has let the object go.
public final class CachedBody: Sendable {
    private let content: Mutex<ByteBuffer?>

    init(_ bytes: ByteBuffer?) { self.content = Mutex(bytes) }

    /// Nil when there are too many of them to keep, and once the object was changed, deleted or evicted.
    public var bytes: ByteBuffer? { content.withLock { $0 } }

    func drop() { content.withLock { $0 = nil } }
}

/// An object that was read lately, with its bytes where they are few.
public final class CachedObject: Sendable {
    public let object: ReadableObject
    public let details: ObjectMetadata
    public let body: CachedBody

    init(object: ReadableObject, details: ObjectMetadata, body: ByteBuffer?) {
        self.object = object
        self.details = details
        self.body = CachedBody(body)
    }

    /// What it costs to keep, in bytes.
    var cost: Int {
        1024 + (body.bytes?.readableBytes ?? 0) + (object.record.metadata?.rawValue.utf8.count ?? 0)
            + (object.record.userMetadata?.rawValue.utf8.count ?? 0)
    }
}

/// A variant that was delivered lately, of an object that is cached.
final class CachedVariant: Sendable {
    let name: VariantName
    let mediaType: String
    let body: CachedBody

    init(name: VariantName, mediaType: String, body: ByteBuffer) {
        self.name = name
        self.mediaType = mediaType
        self.body = CachedBody(body)
    }

    /// What it costs to keep, in bytes.
    var cost: Int { 512 + (body.bytes?.readableBytes ?? 0) }
}
