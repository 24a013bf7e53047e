// SPDX-License-Identifier: Apache-2.0

import WireFormats

/// The keys of Amazon's published examples, good for nothing else.
enum SampleKeys {
    static let id = "AKIA" + "IOSFODNN7EXAMPLE"
    static let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    static let credentials = RequestSigner.Credentials(accessKeyID: id, secretAccessKey: secret)
    static let signer = RequestSigner(credentials: credentials, region: "us-east-1")
    /// 2013-05-24T00:00:00Z.
    static let time = SigningTime(secondsSince1970: 1_369_353_600)
    static let credential = "\(id)/20130524/us-east-1/s3/aws4_request"

    static func key(_ credential: Credential) -> SigningKey { SigningKey(secretAccessKey: secret, scope: credential.scope) }
}

extension RequestHead {
    /// The signature in the Authorization field.
    var authorizationSignature: Substring? {
        fields.first { $0.name == "authorization" }?.value.split(separator: "Signature=").last
    }

    subscript(name: String) -> String? {
        get { fields.first { $0.name == name }?.value }
        set {
            fields.removeAll { $0.name == name }
            if let newValue { fields.append(NamedValue(name, newValue)) }
        }
    }
}

/// Reads and verifies, as a server does.
@discardableResult
func verify(
    _ head: RequestHead, secret: String = SampleKeys.secret, now: SigningTime = SampleKeys.time
) throws(SigV4Error) -> SignedRequest? {
    guard let signed = try SignedRequest(head) else { return nil }
    try signed.verify(head, key: SigningKey(secretAccessKey: secret, scope: signed.credential.scope), now: now)
    return signed
}
