// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import MediaCore

extension SupabaseCall {
    func upload(_ bucket: String, _ key: String, alwaysReplaces: Bool) async throws -> Response {
        let caller = try requiredCaller()
        let address = try address(bucket, key)
        let mode: PutMode = alwaysReplaces || request.headers[.upsert] == "true" ? .replace : .create
        let record = try await storage.objects.put(try await receivedUpload(mode: mode), at: address, access: .policy(caller))
        return Self.json(
            JSONWriter.object { writer in
                writer.field("Id", record.id.rawValue)
                writer.field("Key", address.description)
            })
    }

    func signUpload(_ bucket: String, _ key: String) async throws -> Response {
        let caller = try requiredCaller()
        let address = try address(bucket, key)
        let options = try uploadOptions(mode: request.headers[.upsert] == "true" ? .replace : .create)
        let token = try await storage.signedURLs.upload(address, options: options, as: caller)
        let url = "/object/upload/sign/\(Self.escapedForClients(address.description))?token=\(token)"
        return Self.json(
            JSONWriter.object { writer in
                writer.field("url", url)
                writer.field("token", token)
            })
    }

    func uploadSigned(_ bucket: String, _ key: String) async throws -> Response {
        let address = try address(bucket, key)
        let grant = try storage.signedURLs.grant(token: try query.requiredString("token"), address: address, action: .upload)
        // The grant decides whether it replaces; what the request says of it does not count.
        let upload = try await receivedUpload(mode: grant.replaces ? .replace : .create)
        _ = try await storage.objects.put(upload, at: address, access: .grant(grant, facts))
        return Self.json(JSONWriter.object { $0.field("Key", address.description) })
    }

    /// The body with what the headers, or the form around it, say of it.
    private func receivedUpload(mode: PutMode) async throws -> Upload {
        let options = try uploadOptions(mode: mode)
        guard let boundary = try formBoundary() else {
            return Upload(body: request.byteStream(context), options: options)
        }
        let form = UploadForm(
            boundary: boundary, body: request.byteStream(context), options: options,
            maxUserMetadataBytes: frontend.configuration.maxUserMetadataBytes)
        return try await form.upload()
    }

    /// What the headers say, which holds for raw bodies; a form's fields replace it.
    private func uploadOptions(mode: PutMode) throws -> UploadOptions {
        let length = request.headers[.contentLength].flatMap { Int64($0) }
        return UploadOptions(
            mode: mode, contentType: request.headers[.contentType] ?? "application/octet-stream",
            cacheControl: request.headers[.cacheControl] ?? "no-cache",
            userMetadata: request.headers[.userMetadata].flatMap(Self.userMetadata(base64:)),
            robots: try request.headers[.robotsTag].map { value throws(StorageError) in try RobotsRules(value) },
            announcedLength: length, announcesObjectSize: try formBoundary() == nil, alphabet: .portable)
    }

    /// The JSON object in an `x-metadata` header. What can't be read is ignored, as the reference does.
    static func userMetadata(base64 text: String) -> JSONText? {
        let unpadded = text.prefix { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        return Base64URL.decode(String(unpadded)).flatMap(userMetadata(json:))
    }

    /// A JSON object that the database can hold. Nil for anything else.
    static func userMetadata(json bytes: [UInt8]) -> JSONText? {
        guard let fields = try? RequestFields(body: bytes), let text = String(validating: bytes, as: UTF8.self),
            !RequestValue.object(fields.fields).containsNUL
        else { return nil }
        return JSONText(trusted: text)
    }
}
