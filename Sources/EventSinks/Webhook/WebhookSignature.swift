// SPDX-License-Identifier: Apache-2.0

import Crypto
import MediaCore
import WireFormats

/// By what a receiver knows that a body is ours and new: `t=<unix>,v1=<hex>`, where the digits are the HMAC-SHA-256 (RFC 2104) of
/// `<unix>.<body>` under the shared secret. The time is in seconds and part of what is signed, so that an old body can't be sent again
/// under a new one.
struct WebhookSignature {
    private let key: SymmetricKey

    init(secret: String) { key = SymmetricKey(data: Array(secret.utf8)) }

    func value(of body: String, at date: Timestamp) -> String {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Array("\(date.seconds).".utf8))
        code.update(data: Array(body.utf8))
        return "t=\(date.seconds),v1=\(Hexadecimal.encode(code.finalize()))"
    }
}
