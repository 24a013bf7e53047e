// SPDX-License-Identifier: Apache-2.0

/// What can happen to an object, in Supabase's words.
public enum EventType: String, CaseIterable, Sendable {
    /// Uploaded, where there was nothing.
    case createdByPost = "ObjectCreated:Post"
    /// Uploaded, in the place of what was there.
    case createdByPut = "ObjectCreated:Put"
    case createdByCopy = "ObjectCreated:Copy"
    /// Arrived from another address. Goes with `removedByMove`.
    case createdByMove = "ObjectCreated:Move"
    case removedByDelete = "ObjectRemoved:Delete"
    case removedByMove = "ObjectRemoved:Move"
    /// The same bytes are described differently.
    case updatedMetadata = "ObjectUpdated:Metadata"
}

/// The number of an event. Events of one object have growing ones, in the order in which it changed.
public struct EventID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public var description: String { String(rawValue) }
    public static func < (a: EventID, b: EventID) -> Bool { a.rawValue < b.rawValue }
}

/// Something that happened to an object, as it was when it happened.
public struct StorageEvent: Hashable, Sendable {
    public var id: EventID
    /// What receivers know the event by, wherever it comes from: a UUID.
    public var uuid: String
    public var type: EventType
    /// The object; of a move the side that the type is about.
    public var address: ObjectAddress
    public var version: ObjectVersion?
    /// The `metadata` column of `storage.objects`.
    public var metadata: JSONText?
    /// `createdByMove`: where the object was.
    public var movedFrom: ObjectAddress?
    /// How the bytes arrived. Nil for what is not created, and for plain SQL.
    public var uploadType: UploadType?
    /// The server's id of the request.
    public var requestID: String?
    /// The caller's own: the header `sb-request-id`.
    public var callerRequestID: String?
    public var date: Timestamp
    /// How often delivery failed before.
    public var attempts: Int

    public init(
        id: EventID, uuid: String, type: EventType, address: ObjectAddress, version: ObjectVersion? = nil,
        metadata: JSONText? = nil,
        movedFrom: ObjectAddress? = nil, uploadType: UploadType? = nil, requestID: String? = nil,
        callerRequestID: String? = nil, date: Timestamp, attempts: Int = 0
    ) {
        self.id = id
        self.uuid = uuid
        self.type = type
        self.address = address
        self.version = version
        self.metadata = metadata
        self.movedFrom = movedFrom
        self.uploadType = uploadType
        self.requestID = requestID
        self.callerRequestID = callerRequestID
        self.date = date
        self.attempts = attempts
    }
}

/// The way in which bytes arrive, in Supabase's words.
public enum UploadType: String, Sendable {
    case standard
    /// In parts that survive a lost connection.
    case resumable
    /// By the S3 dialect, in parts or not.
    case s3
}

extension Operation {
    /// The way in which an upload by this operation arrives.
    public var uploadType: UploadType {
        if rawValue.hasPrefix("storage.s3.") { return .s3 }
        let isResumable = rawValue.hasPrefix("storage.tus.") || rawValue.hasPrefix("storage.resumable_upload.")
        return isResumable ? .resumable : .standard
    }
}

extension RequestFacts {
    /// The caller's own id of the request, as gateways of Supabase send it.
    public var callerRequestID: String? {
        headers.first { $0.name == "sb-request-id" }.map { String($0.value.prefix(200)) }
    }
}
