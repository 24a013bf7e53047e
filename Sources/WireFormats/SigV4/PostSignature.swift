// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// The signature of a form's policy, read from the form's fields but not verified.
public enum PostSignature: Hashable, Sendable {
    /// Signature Version 4: `x-amz-credential`, `x-amz-date` and `x-amz-signature`, hexadecimal.
    case version4(Credential, signature: [UInt8])
    /// Signature Version 2: `AWSAccessKeyId` and `signature`, a base64 of HMAC-SHA1.
    case version2(accessKeyID: String, signature: [UInt8])

    /// Reads the signature of a form for a service.
    /// - Returns: nil when the form has neither a signature nor a policy: it was sent by nobody in particular.
    public init?(_ fields: [NamedValue], service: String = "s3") throws(PostPolicyError) {
        let form = FormFields(fields)
        if form.has("x-amz-signature") || form.has("x-amz-credential") {
            self = try Self.version4(form, service: service)
        } else if form.has("signature") || form.has("awsaccesskeyid") {
            self = try Self.version2(form)
        } else {
            guard !form.has("policy") else { throw .missingField("x-amz-signature") }
            return nil
        }
    }

    private static func version4(_ form: FormFields, service: String) throws(PostPolicyError) -> PostSignature {
        guard try form.value("x-amz-algorithm") == SignedRequest.algorithm else { throw .malformedField("x-amz-algorithm") }
        guard let credential = Credential(try form.value("x-amz-credential")[...]), credential.scope.service == service else {
            throw .malformedField("x-amz-credential")
        }
        guard let time = SigningTime(basic: try form.value("x-amz-date")), time.day == credential.scope.day else {
            throw .malformedField("x-amz-date")
        }
        let text = try form.value("x-amz-signature")
        guard let signature = Hexadecimal.decode(text, count: SignedRequest.signatureBytes) else {
            throw .malformedField("x-amz-signature")
        }
        return .version4(credential, signature: signature)
    }

    private static func version2(_ form: FormFields) throws(PostPolicyError) -> PostSignature {
        guard let signature = Data(base64Encoded: try form.value("signature")) else { throw .malformedField("signature") }
        return .version2(accessKeyID: try form.value("awsaccesskeyid"), signature: Array(signature))
    }

    /// Whose key signed.
    public var accessKeyID: String {
        switch self {
        case .version4(let credential, _): credential.accessKeyID
        case .version2(let accessKeyID, _): accessKeyID
        }
    }

    /// Verifies the signature of a policy, in constant time.
    /// - Parameter policy: The field `policy`, as it was sent.
    public func verify(policy: String, secretAccessKey: String) throws(PostPolicyError) {
        let isValid =
            switch self {
            case .version4(let credential, let signature):
                SigningKey(secretAccessKey: secretAccessKey, scope: credential.scope).isValid(signature, of: policy)
            case .version2(_, let signature):
                HMAC<Insecure.SHA1>.isValidAuthenticationCode(
                    signature, authenticating: Array(policy.utf8), using: SymmetricKey(data: Array(secretAccessKey.utf8)))
            }
        guard isValid else { throw .signatureMismatch }
    }
}

/// The fields of a form by name.
private struct FormFields {
    private let values: [String: [String]]

    init(_ fields: [NamedValue]) {
        values = Dictionary(fields.map { ($0.name, [$0.value]) }, uniquingKeysWith: +)
    }

    func has(_ name: String) -> Bool { values[name] != nil }

    /// The value of a field that must come once.
    func value(_ name: String) throws(PostPolicyError) -> String {
        guard let found = values[name] else { throw .missingField(name) }
        guard found.count == 1 else { throw .malformedField(name) }
        return found[0]
    }
}
