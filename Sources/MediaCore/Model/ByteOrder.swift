// SPDX-License-Identifier: Apache-2.0

/// Text in the order of its UTF-8 bytes, as keys are listed.
public enum ByteOrder {
    /// The smallest text that follows every text that begins with `prefix`. Nil when there is none.
    public static func successor(ofPrefix prefix: String) -> String? {
        var scalars = prefix.unicodeScalars
        while let last = scalars.popLast() {
            // No text holds the surrogates from U+D800 to U+DFFF; nothing follows U+10FFFF.
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            scalars.append(scalar)
            return String(scalars)
        }
        return nil
    }
}
