// SPDX-License-Identifier: Apache-2.0

/// Media types as clients write them: `type/subtype; parameter=value`. RFC 9110 §8.3.1.
public enum MediaType {
    /// A type without its parameters and the spaces in front of them, as it was written.
    public static func bare(_ text: String) -> Substring {
        var bare = text.prefix { $0 != ";" }
        while bare.last == " " { bare = bare.dropLast() }
        return bare
    }

    /// The same in lower case, as types are compared.
    public static func essence(of text: String) -> String { bare(text).lowercased() }
}
