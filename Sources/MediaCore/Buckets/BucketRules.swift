// SPDX-License-Identifier: Apache-2.0

/// A size limit as a client writes it.
public enum FileSizeLimit {
    /// Reads bytes from `<number>[.fraction]` with an optional decimal unit `B`, `KB`, `MB` or `GB`, in any case. The number is
    /// rounded to 3 significant digits when it has a unit.
    /// - Throws: `StorageError` with code `.invalidRequest`.
    public static func bytes(_ text: String) throws(StorageError) -> Int64 {
        if let plain = Int64(text), plain >= 0 { return plain }
        let upper = text.uppercased()
        for (unit, factor) in [("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1)] where upper.hasSuffix(unit) {
            let number = upper.dropLast(unit.count)
            guard let first = number.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
                number.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let value = Double(number), value.isFinite
            else { break }
            let bytes = threeDigits(value) * factor
            guard bytes < 9e18 else { break }
            return Int64(bytes.rounded())
        }
        throw StorageError(.invalidRequest, "file_size_limit has an invalid format", resource: "file_size_limit")
    }

    private static func threeDigits(_ value: Double) -> Double {
        guard value >= 1000 else {
            // Below a thousand three digits keep a fraction; scaling by a power of ten and back keeps halves exact enough.
            guard value > 0 else { return 0 }
            var scale = 1.0
            while value * scale < 100 { scale *= 10 }
            return (value * scale).rounded() / scale
        }
        var scale = 1.0
        while value / scale >= 1000 { scale *= 10 }
        return (value / scale).rounded() * scale
    }
}

extension Bucket {
    /// Whether an upload of `contentType` is let in.
    ///
    /// An allowed `type/*` admits every subtype, a full type itself; parameters (`;charset=…`) are compared only when the
    /// allowed entry names some. Unlike the reference, `*/*` and `*` mean what they say.
    /// - Throws: `StorageError` with code `.mediaTypeNotAllowed`.
    func requireAllowed(contentType: String) throws(StorageError) {
        guard let allowed = allowedMimeTypes, !allowed.isEmpty else { return }
        let full = contentType.lowercased()
        let essence = MediaType.bare(full)
        for entry in allowed.lazy.map({ $0.lowercased() }) {
            if entry == "*" || entry == "*/*" || entry == full || entry == essence { return }
            if entry.hasSuffix("/*"), essence.hasPrefix(entry.dropLast()) { return }
        }
        throw StorageError(.mediaTypeNotAllowed, "mime type \(contentType) is not supported", resource: "mimetype")
    }

    /// The entries to store: empty ones dropped, the others checked.
    /// - Throws: `StorageError` with code `.mediaTypeNotAllowed` that names the bad entry.
    static func checkedMimeTypes(_ types: [String]) throws(StorageError) -> [String] {
        var result: [String] = []
        for type in types where !type.isEmpty {
            guard isMimePattern(type) else {
                throw StorageError(
                    .mediaTypeNotAllowed, "mime type \(type.prefix(100)) is not supported", resource: "allowed_mime_types")
            }
            result.append(type)
        }
        return result
    }

    private static func isMimePattern(_ type: String) -> Bool {
        guard type.utf8.count <= 1000, !type.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return false }
        if type.hasSuffix("*") { return true }
        let parts = MediaType.bare(type).split(separator: "/", omittingEmptySubsequences: false)
        let parameters = type.dropFirst(type.prefix { $0 != ";" }.count)
        let isPlain =
            parts.count == 2
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy { byte in
                        (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                            || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || "-+.".utf8.contains(byte)
                    }
            }
        guard isPlain, !parameters.isEmpty else { return isPlain }
        var value = parameters.dropFirst()
        while value.first == " " { value = value.dropFirst() }
        return value.hasPrefix("charset=") && value.utf8.count > "charset=".utf8.count
    }
}

extension UploadLimits {
    /// The most bytes an object at this key may have.
    func maxBytes(for key: ObjectKey, in bucket: Bucket) -> Int64 {
        if key.isFolderPlaceholder { return 0 }
        return min(maxObjectBytes, bucket.fileSizeLimit ?? maxObjectBytes)
    }
}

extension ObjectKey {
    /// The empty object that Supabase's dashboard writes to make a folder show: of zero bytes and of any type.
    var isFolderPlaceholder: Bool { rawValue.hasSuffix(".emptyFolderPlaceholder") }
}
