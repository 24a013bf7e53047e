// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

extension Response {
    /// Makes of the answer to a GET that to a HEAD, if that is what was asked: the length without the body. RFC 9110 §9.3.2.
    mutating func dropBody(ifHead request: Request) {
        guard request.method == .head else { return }
        let length = body.contentLength
        body = ResponseBody()
        headers[.contentLength] = length.map { String($0) }
    }
}
