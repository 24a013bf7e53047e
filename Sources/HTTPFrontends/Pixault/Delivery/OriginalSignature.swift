// SPDX-License-Identifier: Apache-2.0

import Crypto
import HTTPTypes
import MediaCore
import WireFormats

/// The signature in the URL of an original: `?sig=…&exp=…`.
///
/// It is the HMAC-SHA256, in lower-case hex, of `{project}/{asset}/{file}?exp={seconds since 1970}`, where the file is `original.{format}` or `video.{format}`. Newer pages of the
/// dialect leave `exp` out of what is signed, so that whoever holds a URL could make it last; that form is not read.
struct OriginalSignature: Hashable {
    var project: String
    var asset: String
    /// The last segment as it stands in the URL.
    var file: String
    /// The two parameters as they came.
    var signature: String?
    var expiry: String?

    /// - Returns: until when it holds.
    /// - Throws: `PixaultProblem` with 403 when there is none, when it is wrong and when its time is over, in this order.
    func verify(secret: [UInt8], at now: Timestamp) throws(PixaultProblem) -> Timestamp {
        guard let signature, let expiry else { throw .init(.forbidden, "The URL of this original must be signed") }
        guard let mac = Self.bytes(signature), let seconds = Self.seconds(expiry) else { throw Self.wrong }
        // Compared in constant time.
        guard
            HMAC<SHA256>.isValidAuthenticationCode(
                mac, authenticating: Array(text(expiry: expiry).utf8), using: SymmetricKey(data: secret))
        else { throw Self.wrong }
        let end = Timestamp(seconds: seconds)
        guard now < end else { throw .init(.forbidden, "The signature has expired") }
        return end
    }

    /// What is signed.
    func text(expiry: String) -> String { "\(project)/\(asset)/\(file)?exp=\(expiry)" }

    private static let wrong = PixaultProblem(.forbidden, "The signature is wrong")

    private static func bytes(_ hex: String) -> [UInt8]? {
        let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard hex.utf8.count == 2 * SHA256.byteCount, hex.utf8.allSatisfy(isDigit) else { return nil }
        return Hexadecimal.decode(hex, count: SHA256.byteCount)
    }

    private static func seconds(_ text: String) -> Int64? {
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }
}
