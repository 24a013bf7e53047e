// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

extension Request {
    /// Under which conditions the reader wants bytes at all. RFC 9110 §13.1.
    var readConditions: Preconditions {
        Preconditions(
            ifNoneMatch: headers[.ifNoneMatch],
            ifModifiedSince: headers[.ifModifiedSince].flatMap(Timestamp.init(httpDate:)),
            ifRange: headers[.ifRange])
    }

    /// The range asked for. Nil for everything: also for several ranges and for a malformed one, which RFC 9110 §14.2 lets a server
    /// ignore.
    var singleRange: ByteRange? {
        guard case .single(let bytes) = RangeHeader(parsing: headers[.range]) else { return nil }
        return bytes.byteRange
    }

    /// What the reader accepts of the formats that are negotiated.
    var acceptedFormats: AcceptedFormats { AcceptedFormats(field: headers[.accept]) }
}

extension RangeHeader.Bytes {
    var byteRange: ByteRange {
        switch (first, last) {
        case (let first?, let last?): .closed(first...last)
        case (let first?, nil): .from(first)
        case (nil, let count): .last(count ?? 0)
        }
    }
}
