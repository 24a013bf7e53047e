// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import WireFormats

/// An upload that comes as a form: text fields before and after one file, in any order, the file streamed as it arrives.
///
/// Fields: `cacheControl` (seconds), `metadata` or `userMetadata` (JSON), `contentType`. The file is the first part with a file name, or
/// without a name.
struct UploadForm {
    let boundary: MultipartBoundary
    let body: ByteStream
    /// What the headers say; fields replace it.
    let options: UploadOptions
    /// In bytes.
    let maxUserMetadataBytes: Int

    /// Reads up to the file's first byte.
    /// - Throws: `SupabaseError.noContent` for a form without a file; `StorageError` for a malformed one.
    func upload() async throws -> Upload {
        let reader = FormReader(boundary: boundary, body: body, maxFieldBytes: maxUserMetadataBytes)
        var fields = FormFields(options: options, maxUserMetadataBytes: maxUserMetadataBytes)
        while let event = try await reader.next() {
            guard case .part(let part) = event else { continue }
            guard part.isFile else {
                try fields.set(part.name, try await reader.text(upTo: fields.limit(of: part.name)))
                continue
            }
            fields.partType = part.contentType
            let early = fields
            let file = FormFile(reader: reader, fields: fields)
            return Upload(
                body: ByteStream(length: nil, chunks: file), options: try early.uploadOptions(),
                lateOptions: { try file.lateFields().uploadOptions() })
        }
        throw SupabaseError.noContent
    }

    static func error(_ error: MultipartFormError) -> any Error {
        let message: String
        switch error {
        case .fieldTooLarge(let name) where FormFields.isMetadata(name): return StorageError.tooLarge("user_metadata")
        case .fieldTooLarge(let name): message = "The form field \(name.prefix(64)) is too long"
        case .invalidContentType: message = "Invalid multipart boundary"
        case .malformedBoundary: message = "Malformed multipart boundary"
        case .malformedHeader: message = "Malformed multipart header"
        case .headerTooLarge: message = "Multipart header is too long"
        case .tooManyParts: message = "Too many multipart parts"
        case .unsupportedTransferEncoding: message = "Unsupported content-transfer-encoding in multipart data"
        case .truncated: message = "Unexpected end of multipart data"
        }
        return SupabaseError(400, code: "InvalidRequest", message: message)
    }
}

extension SupabaseCall {
    /// The boundary of a form. Nil when the body is raw.
    func formBoundary() throws -> MultipartBoundary? {
        guard let type = request.headers[.contentType], MultipartBoundary.isForm(contentType: type) else { return nil }
        do { return try MultipartBoundary(contentType: type) } catch { throw UploadForm.error(error) }
    }
}

/// What the fields of a form have said so far.
private struct FormFields {
    private static let maxFieldBytes = 4096

    let options: UploadOptions
    let maxUserMetadataBytes: Int
    private var cacheControl: String?
    private var userMetadata: JSONText?
    private var contentType: String?
    var partType: String?

    init(options: UploadOptions, maxUserMetadataBytes: Int) {
        self.options = options
        self.maxUserMetadataBytes = maxUserMetadataBytes
    }

    func limit(of name: String) -> Int { Self.isMetadata(name) ? maxUserMetadataBytes : Self.maxFieldBytes }

    mutating func set(_ name: String, _ value: [UInt8]?) throws {
        guard let value else {
            if Self.isMetadata(name) { throw StorageError.tooLarge("user_metadata") }
            throw SupabaseError(400, code: "InvalidRequest", message: "The form field \(name.prefix(64)) is too long")
        }
        switch name {
        case "cacheControl": cacheControl = String(validating: value, as: UTF8.self)
        case "contentType": contentType = String(validating: value, as: UTF8.self)
        case _ where Self.isMetadata(name): userMetadata = SupabaseCall.userMetadata(json: value) ?? userMetadata
        default: break
        }
    }

    func uploadOptions() throws -> UploadOptions {
        var result = options
        result.contentType = [contentType, partType].compactMap(\.self).first { !$0.isEmpty } ?? "application/octet-stream"
        result.cacheControl = cacheControl.map { "max-age=\($0)" } ?? "no-cache"
        result.userMetadata = userMetadata ?? options.userMetadata
        guard [result.contentType, result.cacheControl].allSatisfy(Self.isHeaderValue) else {
            throw SupabaseError(400, code: "InvalidRequest", message: "A form field has characters that no header can have")
        }
        return result
    }

    static func isMetadata(_ name: String) -> Bool { name == "metadata" || name == "userMetadata" }

    // Both end up in headers of downloads.
    private static func isHeaderValue(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
}

/// The bytes of the form's file. Once they are read, the fields behind it are too.
private struct FormFile: AsyncSequence, Sendable {
    typealias Failure = any Error
    let reader: FormReader
    let fields: FormFields

    struct AsyncIterator: AsyncIteratorProtocol {
        let reader: FormReader
        var fields: FormFields
        var isOver = false

        mutating func next() async throws -> ByteBuffer? {
            guard !isOver else { return nil }
            while let event = try await reader.next() {
                switch event {
                case .body(let bytes): return bytes
                case .partEnd:
                    isOver = true
                    try await reader.readRest(into: &fields)
                    return nil
                case .part, .end: break
                }
            }
            throw UploadForm.error(.truncated)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader, fields: fields) }

    func lateFields() -> FormFields { reader.lateFields ?? fields }
}

/// Pulls the events of a form out of its body.
private final class FormReader: @unchecked Sendable {
    // Sendable: used by one task at a time. The request's task reads up to the file, hands the file's stream to the core, which
    // consumes it once, and asks for the late fields after its end.
    private static let maxParts = 12

    private var events: FormEvents
    private(set) var lateFields: FormFields?

    init(boundary: MultipartBoundary, body: ByteStream, maxFieldBytes: Int) {
        events = FormEvents(boundary: boundary, limits: .init(parts: Self.maxParts, fieldBytes: maxFieldBytes), body: body)
    }

    /// The next event. Nil once the whole body was read.
    func next() async throws -> MultipartFormParser.Event? {
        do { return try await events.next() } catch let error as MultipartFormError { throw UploadForm.error(error) }
    }

    /// The rest of the part begun last. Nil when it is longer than `limit`.
    func text(upTo limit: Int) async throws -> [UInt8]? {
        var value: [UInt8] = []
        while let event = try await next() {
            switch event {
            case .body(let bytes):
                guard value.count + bytes.readableBytes <= limit else { return nil }
                value += bytes.readableBytesView
            case .partEnd: return value
            case .part, .end: break
            }
        }
        throw UploadForm.error(.truncated)
    }

    /// Reads the fields behind the file, up to the end of the body. Further files are passed over.
    func readRest(into fields: inout FormFields) async throws {
        while let event = try await next() {
            guard case .part(let part) = event, !part.isFile else { continue }
            try fields.set(part.name, try await text(upTo: fields.limit(of: part.name)))
        }
        lateFields = fields
    }
}
