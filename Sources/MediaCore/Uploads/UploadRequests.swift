// SPDX-License-Identifier: Apache-2.0

/// An upload to be begun.
public struct UploadBeginning: Sendable {
    public var kind: UploadSession.Kind
    /// `announcedLength` is not looked at; `length` is.
    public var options: UploadOptions
    /// Of the whole, in bytes. Nil: it will be said later, or follows from the parts.
    public var length: Int64?
    /// What the dialect keeps for itself.
    public var attributes: JSONText
    /// Whether the upload ends by itself after a while.
    public var expires: Bool

    public init(
        kind: UploadSession.Kind, options: UploadOptions, length: Int64? = nil, attributes: JSONText = .emptyObject,
        expires: Bool = true
    ) {
        self.kind = kind
        self.options = options
        self.length = length
        self.attributes = attributes
        self.expires = expires
    }
}

/// Bytes to be put behind those that an upload has.
public struct UploadAppend: Sendable {
    public var body: ByteStream
    /// Where the client believes the upload to be, in bytes.
    public var offset: Int64
    /// The length of the whole, from a client that says it only now.
    public var length: Int64?
    /// Whether these bytes are the last. Nil: they are when the length is reached.
    public var isLast: Bool?
    /// Asked after the last byte and before any is acknowledged; what it throws discards the bytes of this append.
    public var verify: (@Sendable () throws -> Void)?

    public init(
        body: ByteStream, offset: Int64, length: Int64? = nil, isLast: Bool? = nil, verify: (@Sendable () throws -> Void)? = nil
    ) {
        self.body = body
        self.offset = offset
        self.length = length
        self.isLast = isLast
        self.verify = verify
    }
}

/// Where an upload is after a request.
public struct UploadState: Sendable {
    public var session: UploadSession
    /// The object, from the call that completed it.
    public var record: ObjectRecord?

    public init(session: UploadSession, record: ObjectRecord? = nil) {
        self.session = session
        self.record = record
    }
}

/// Bytes to be a part.
public struct PartUpload: Sendable {
    public var body: ByteStream
    /// Digests that the client sent, in base64 by the names of their algorithms; asked once, after the last byte. What it
    /// throws discards the part.
    public var checksums: (@Sendable () throws -> [String: String])?

    public init(body: ByteStream, checksums: (@Sendable () throws -> [String: String])? = nil) {
        self.body = body
        self.checksums = checksums
    }
}

/// The parts that a client names to make an object of them.
public struct PartsCompletion: Sendable {
    /// One part, as the client remembers it.
    public struct Named: Hashable, Sendable {
        public var number: PartNumber
        /// The part's MD5 in hex, without quotes.
        public var eTag: String

        public init(number: PartNumber, eTag: String) {
            self.number = number
            self.eTag = eTag
        }
    }

    public var parts: [Named]
    /// The least size of every part but the last, in bytes: S3 asks for 5 MiB.
    public var leastPartBytes: Int64
    /// What must hold of the key, decided when the row is written.
    public var condition: WriteCondition
    /// Digests of the whole to be kept, from the parts chosen. What it throws refuses the completion.
    public var checksums: (@Sendable ([UploadPart]) throws -> [String: String])?

    public init(
        parts: [Named], leastPartBytes: Int64 = 5 << 20, condition: WriteCondition = .none,
        checksums: (@Sendable ([UploadPart]) throws -> [String: String])? = nil
    ) {
        self.parts = parts
        self.leastPartBytes = leastPartBytes
        self.condition = condition
        self.checksums = checksums
    }
}
