// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import MediaCore
import NIOCore
import WireFormats

/// The fields of an upload by form.
struct S3Form {
    private let fields: [NamedValue]
    private let fileName: String

    /// - Parameter fields: those before the file.
    init(_ fields: [NamedValue], fileName: String) {
        self.fields = fields
        self.fileName = fileName
    }

    /// - Parameter name: In lower case.
    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Whose form it is. - Throws: `S3Error`.
    func signature() throws(S3Error) -> PostSignature? {
        do { return try PostSignature(fields) } catch { throw S3Error(error) }
    }

    /// Checks what the policy says of the fields. - Returns: what it says of the file's size.
    func checkPolicy(bucket: BucketID, isSigned: Bool) throws(S3Error) -> ClosedRange<Int64> {
        guard isSigned else { return 0...Int64.max }
        do {
            guard let text = self["policy"] else { throw PostPolicyError.missingField("policy") }
            let policy = try PostPolicy(base64: text)
            let known = fields.filter { $0.name != "bucket" }.map { field in
                field.name == "key" ? NamedValue("key", filled(field.value)) : field
            }
            try policy.check(
                known + [NamedValue("bucket", bucket.rawValue)], now: SigningTime(secondsSince1970: Timestamp.now().seconds))
            return policy.contentLength
        } catch let error as PostPolicyError {
            throw S3Error(error)
        } catch {
            throw S3Error(error)
        }
    }

    /// The object's key. - Throws: `S3Error` with `InvalidArgument` where there is none.
    func key() throws -> ObjectKey {
        guard let text = self["key"], !text.isEmpty else {
            throw S3Error.invalidArgument(
                "key", "",
                "Bucket POST must contain a field named 'key'. If it is specified, please check the order of the fields.")
        }
        return try S3Call.key(filled(text))
    }

    /// With the name of the file, where the field says so.
    private func filled(_ text: String) -> String {
        guard let place = text.firstRange(of: "${filename}") else { return text }
        return text.replacingCharacters(in: place, with: fileName)
    }

    /// The fields that are header fields in other uploads.
    var headers: HTTPFields {
        var headers: HTTPFields = [:]
        for field in fields where field.name.hasPrefix("x-amz-") || field.name == "content-md5" || field.name == "acl" {
            guard let name = HTTPField.Name(field.name == "acl" ? "x-amz-acl" : field.name) else { continue }
            headers[name] = field.value
        }
        return headers
    }

    /// - Throws: as `S3ObjectFields`; `S3Error.malformedXML` and `XMLError` for tags that are none; `InvalidArgument` for text that no
    ///   header can have.
    func objectFields() throws -> S3ObjectFields {
        var result = try S3ObjectFields { name in
            fields.filter { name == S3ObjectFields.metadataPrefix ? $0.name.hasPrefix(name) : $0.name == name }
        }
        let values = [
            result.contentType, result.cacheControl, result.representation.contentDisposition,
            result.representation.contentEncoding, result.representation.contentLanguage, result.representation.expires,
        ]
        for case let value? in values where value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw S3Error.invalidArgument("Content-Type", value, "A field has characters that no header can have")
        }
        if let tagging = self["tagging"] {
            let document = ByteBuffer(string: tagging)
            result.tags = try S3Tagging(try XMLTree(parsing: document, limits: .init(bytes: 64 << 10)), limit: .object).tags
        }
        return result
    }

    /// Where the browser shall go, if the form says so and it is a page.
    func redirect(bucket: BucketID, key: ObjectKey, eTag: String) -> String? {
        guard let page = self["success_action_redirect"] ?? self["redirect"],
            page.hasPrefix("http://") || page.hasPrefix("https://"), page.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        let query = [("bucket", bucket.rawValue), ("key", key.rawValue), ("etag", eTag)].map { name, value in
            "\(name)=\(PercentEncoding.encodeComponent(value))"
        }.joined(separator: "&")
        return page + (page.contains("?") ? "&" : "?") + query
    }
}

extension S3Error {
    init(_ error: PostPolicyError) {
        switch error {
        case .malformed(let reason): self.init(.badRequest, "InvalidPolicyDocument", "Invalid Policy: \(reason)")
        case .expired: self.init(.forbidden, "AccessDenied", "Invalid according to Policy: Policy expired.")
        case .conditionFailed(let what):
            self.init(.forbidden, "AccessDenied", "Invalid according to Policy: Policy Condition failed: \(what)")
        case .unexpectedField(let name):
            self.init(.forbidden, "AccessDenied", "Invalid according to Policy: Extra input fields: \(name)")
        case .tooLarge: self.init(.badRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        case .tooSmall: self.init(.badRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        case .missingField(let name):
            self = .invalidArgument(name, "", "Bucket POST must contain a field named '\(name)'.")
        case .malformedField("signature"), .malformedField("x-amz-signature"): self = .signatureMismatch
        case .malformedField(let name): self = .invalidArgument(name, "", "The field '\(name)' can't be read")
        case .signatureMismatch: self = .signatureMismatch
        }
        cause = error
    }
}
