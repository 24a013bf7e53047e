// SPDX-License-Identifier: Apache-2.0

/// A set of ASCII bytes, asked once per byte of untrusted text.
public struct ByteSet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            switch byte {
            case 0..<64: low |= 1 << UInt64(byte)
            case 64..<128: high |= 1 << UInt64(byte - 64)
            default: preconditionFailure("not ASCII")
            }
        }
    }

    public func contains(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<64: low >> UInt64(byte) & 1 == 1
        case 64..<128: high >> UInt64(byte - 64) & 1 == 1
        default: false
        }
    }

    func union(_ text: String) -> ByteSet {
        let more = ByteSet(text.utf8)
        var result = self
        result.low |= more.low
        result.high |= more.high
        return result
    }

    static let alphanumeric = ByteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    /// RFC 9110 §5.6.2: what a token is made of.
    public static let token = alphanumeric.union("!#$%&'*+-.^_`|~")
}
