// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// The `Upload-Metadata` field: what the client says of the file. TUS 1.0, creation extension.
struct TUSMetadata: Hashable {
    /// As sent: it is shown again to whoever asks for the upload.
    let text: String
    private let values: [String: [UInt8]]

    /// - Throws: `TUSError.invalidMetadata`.
    init(_ text: String) throws(TUSError) {
        var values: [String: [UInt8]] = [:]
        for pair in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = pair.split(separator: " ", omittingEmptySubsequences: true)
            guard let key = words.first.map(String.init), words.count <= 2, values[key] == nil,
                key.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
                let value = words.count == 1 ? [] : Data(base64Encoded: String(words[1])).map(Array.init)
            else { throw .invalidMetadata }
            values[key] = value
        }
        self.text = text
        self.values = values
    }

    /// A value that is text. Nil when it is missing, empty or not UTF-8.
    private func string(_ key: String) -> String? {
        guard let bytes = values[key], !bytes.isEmpty else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The object that the client wants to make.
    /// - Throws: `TUSError.invalidMetadata` when it does not say; `StorageError` for a name that none can have.
    func address() throws -> ObjectAddress {
        guard let bucket = string("bucketName"), let key = string("objectName") else { throw TUSError.invalidMetadata }
        return ObjectAddress(bucket: try BucketID(existing: bucket), key: try ObjectKey(key))
    }

    func options(mode: PutMode) -> UploadOptions {
        UploadOptions(
            mode: mode, contentType: string("contentType") ?? UploadOptions.unknownContentType, cacheControl: cacheControl,
            userMetadata: userMetadata, alphabet: .portable)
    }

    /// Whole seconds become a `max-age`; anything else means that nothing may be kept.
    private var cacheControl: String {
        guard let text = string("cacheControl"), let seconds = Int64(text), seconds >= 0 else { return "no-cache" }
        return "max-age=\(seconds)"
    }

    /// What is no JSON object is ignored.
    private var userMetadata: JSONText? { values["metadata"].flatMap(UserMetadataText.read) }
}
