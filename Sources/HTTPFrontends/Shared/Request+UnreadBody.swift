// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

extension Request {
    /// Smaller rests are read to their end so that the connection can be kept.
    private static let drainableBytes: Int64 = 64 << 10

    /// Whether a refused body may be too long to be worth reading to its end.
    var mayHaveUnreadBody: Bool {
        if let length = headers[.contentLength] { return (Int64(length) ?? .max) > Self.drainableBytes }
        return headers[.transferEncoding] != nil
    }
}
