// SPDX-License-Identifier: Apache-2.0

/// Makes and reads the tokens of URLs that files are uploaded to. They are good at no other place: their scope is no dialect's.
struct FileUploadTokens: Sendable {
    let keys: KeyRing

    /// What a token lets its holder send.
    enum Piece: Hashable {
        case whole
        case part(PartNumber, UploadID)

        var scope: String {
            switch self {
            case .whole: "file"
            case .part(let number, let upload): "file part \(number.rawValue) \(upload.rawValue)"
            }
        }
    }

    func sign(_ piece: Piece, of address: ObjectAddress, at time: Timestamp, until expiry: Timestamp) throws -> String {
        try keys.sign(
            JSONText(
                trusted: JSONWriter.object { writer in
                    writer.field("url", address.description)
                    writer.field("scope", piece.scope)
                    writer.field("iat", time.seconds)
                    writer.field("exp", expiry.seconds)
                }))
    }

    /// - Throws: `StorageError` with `.credentialExpired` or `.signatureMismatch`.
    func require(_ token: String, for piece: Piece, of address: ObjectAddress, at time: Timestamp) throws(StorageError) {
        let claims: Claims
        do {
            claims = try keys.verify(token, at: time)
        } catch {
            // Good once, and so expired.
            guard (try? keys.verify(token, at: Timestamp(seconds: 0))) != nil else { throw Self.invalid }
            throw .file(.uploadURLExpired, .credentialExpired, "Request has expired")
        }
        guard claims.scope == piece.scope, address.isWritten(claims.url) else { throw Self.invalid }
    }

    private static var invalid: StorageError {
        .file(.uploadURLInvalid, .signatureMismatch, "The URL is not one that was given out for this")
    }
}
