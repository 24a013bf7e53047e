// SPDX-License-Identifier: Apache-2.0

extension JSONText {
    /// The same without the spaces that a database writes between tokens.
    public var compact: JSONText {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rawValue.utf8.count)
        var (isText, isEscaped) = (false, false)
        for byte in rawValue.utf8 {
            if isText {
                isText = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            } else if byte == UInt8(ascii: "\"") {
                isText = true
            } else if byte <= 0x20 {
                // Outside of texts only white space is so low (RFC 8259 §2).
                continue
            }
            bytes.append(byte)
        }
        return JSONText(trusted: String(decoding: bytes, as: UTF8.self))
    }
}
