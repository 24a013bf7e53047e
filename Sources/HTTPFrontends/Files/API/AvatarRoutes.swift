// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

/// Pictures of users. Errors have codes of their own here.
extension FilesAPICall {
    /// `{"filename": …, "contentType": …}`
    func issueAvatar(of user: String, as caller: FilesCaller) async throws -> Response {
        let fields = try await fields()
        let (name, mediaType) = (try fields.requiredString("filename"), try fields.requiredString("contentType"))
        let issued = try await forUsers {
            try await files.issueAvatar(
                name: name, mediaType: mediaType, of: user, in: caller.project, as: caller.caller)
        }
        return envelope.response { writer in
            // The vendor's pages call it either.
            writer.field("url", url(of: issued))
            writer.field("uploadUrl", url(of: issued))
            writer.field("key", issued.ticket.s3Key)
            writer.field("expiresAt", issued.expiresAt)
        }
    }

    /// `{"s3Key": …}`
    func setAvatar(of user: String, as caller: FilesCaller) async throws -> Response {
        let key = try await fields().requiredString("s3Key")
        let view = try await forUsers {
            try await files.setAvatar(key, of: user, in: caller.project, as: caller.caller)
        }
        return envelope.response { $0.field("image", urls.raw(view.file.s3Key)) }
    }

    func removeAvatar(of user: String, as caller: FilesCaller) async throws -> Response {
        try await forUsers { try await files.removeAvatar(of: user, in: caller.project, as: caller.caller) }
        return envelope.response { $0.field("message", "The picture is gone") }
    }

    private func forUsers<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as StorageError where error.code == .accessDenied && error.fileFault == nil {
            throw FilesProblem(.forbidden, "user/forbidden", error.message)
        }
    }
}
