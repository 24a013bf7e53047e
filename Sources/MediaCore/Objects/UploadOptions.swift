// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// What an uploader says about the bytes it sends.
public struct UploadOptions: Hashable, Sendable {
    public var mode: PutMode
    /// As sent, with its parameters.
    public var contentType: String
    /// The `Cache-Control` that downloads will carry.
    public var cacheControl: String
    public var userMetadata: JSONText?
    /// How downloads present the bytes.
    public var representation: RepresentationFields
    /// Checked tags.
    public var tags: TagSet
    /// What must hold of the key, decided when the row is written; what can be known in advance is refused in advance.
    public var condition: WriteCondition
    /// A checked `X-Robots-Tag` value.
    public var robots: RobotsRules?
    /// The length the request announced, in bytes: shown to policies as `metadata.contentLength`, and for a raw body the
    /// size that will arrive.
    public var announcedLength: Int64?
    /// True when `announcedLength` is the object's own size, not that of a form around it.
    public var announcesObjectSize: Bool
    /// What the object will have in bytes, as far as the request said.
    var objectSize: Int64? { announcesObjectSize ? announcedLength : nil }
    /// What the dialect lets into a new key.
    public var alphabet: KeyAlphabet
    /// The most that the dialect takes of such media, in bytes, where that is less than the bucket takes. Nil: no less.
    public var maxBytes: Int64?

    public init(
        mode: PutMode, contentType: String, cacheControl: String = "no-cache", userMetadata: JSONText? = nil,
        robots: RobotsRules? = nil, announcedLength: Int64? = nil, announcesObjectSize: Bool = false,
        alphabet: KeyAlphabet = .utf8, representation: RepresentationFields = .none, tags: TagSet = .empty,
        condition: WriteCondition = .none, maxBytes: Int64? = nil
    ) {
        self.mode = mode
        self.contentType = contentType
        self.cacheControl = cacheControl
        self.userMetadata = userMetadata
        self.robots = robots
        self.announcedLength = announcedLength
        self.announcesObjectSize = announcesObjectSize
        self.alphabet = alphabet
        self.representation = representation
        self.tags = tags
        self.condition = condition
        self.maxBytes = maxBytes
    }

    /// What policies see as `metadata` before the bytes have come.
    var policyMetadata: JSONText {
        JSONText(
            trusted: JSONWriter.object { writer in
                writer.field("mimetype", contentType)
                if let announcedLength { writer.field("contentLength", announcedLength) }
            })
    }
}

/// Bytes to become an object.
public struct Upload: Sendable {
    public var body: ByteStream
    public var options: UploadOptions
    /// What was learned only after the last byte: a form may carry fields behind its file. Asked once, after the body ended.
    public var lateOptions: (@Sendable () throws -> UploadOptions)?
    /// Digests that the dialect computed of the body, to be kept with the blob: in base64 by the names of their algorithms. Asked
    /// once, after the body ended; it throws when they are not what the client promised.
    public var checksums: (@Sendable () throws -> [String: String])?
    /// Looks at all the bytes before they become an object, and refuses them by throwing.
    public var review: Review?

    /// Returns what is to be stored instead, or nil.
    public typealias Review = @Sendable (BlobContent) async throws -> ByteBuffer?

    public init(
        body: ByteStream, options: UploadOptions, lateOptions: (@Sendable () throws -> UploadOptions)? = nil,
        checksums: (@Sendable () throws -> [String: String])? = nil, review: Review? = nil
    ) {
        self.body = body
        self.options = options
        self.lateOptions = lateOptions
        self.checksums = checksums
        self.review = review
    }
}

/// The limits that hold for every upload, whatever its dialect.
public struct UploadLimits: Sendable {
    /// The largest object, in bytes.
    public var maxObjectBytes: Int64
    /// The most objects that one call empties a bucket of.
    public var maxObjectsToEmpty: Int

    public init(maxObjectBytes: Int64, maxObjectsToEmpty: Int = 200_000) {
        self.maxObjectBytes = maxObjectBytes
        self.maxObjectsToEmpty = maxObjectsToEmpty
    }
}
