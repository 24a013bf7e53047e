// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
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

    private static let maxParts = 12

    /// Reads up to the file's first byte.
    /// - Throws: `SupabaseError.noContent` for a form without a file; `StorageError` for a malformed one.
    func upload() async throws -> Upload {
        let form = StreamedForm(
            boundary: boundary, body: body,
            texts: FormFields(options: options, maxUserMetadataBytes: maxUserMetadataBytes), maxParts: Self.maxParts,
            maxFieldBytes: maxUserMetadataBytes)
        guard let file = try await form.file() else { throw SupabaseError.noContent }
        return Upload(
            body: file.body, options: try file.texts.uploadOptions(), lateOptions: { try file.late().uploadOptions() })
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
private struct FormFields: FormTexts {
    private static let maxFieldBytes = 4096

    let options: UploadOptions
    let maxUserMetadataBytes: Int
    private var cacheControl: String?
    private var userMetadata: JSONText?
    private var contentType: String?
    private var partType: String?

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

    mutating func begin(_ file: MultipartPartHeader) { partType = file.contentType }

    static func error(_ error: MultipartFormError) -> any Error { UploadForm.error(error) }

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
