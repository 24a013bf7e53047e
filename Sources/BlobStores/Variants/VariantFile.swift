// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// A variant on the disk. Everything that is known of it is in its name, so that a directory tells all.
struct VariantFile: Hashable, Sendable {
    /// The kinds of files there are, by the extensions they get.
    enum Kind: String, Sendable, CaseIterable {
        case jpeg = "jpg"
        case png, webp, avif, gif, jxl, svg, json

        /// Nil for a kind that is not kept.
        init?(mediaType: String) {
            guard let kind = Self.allCases.first(where: { $0.mediaType == mediaType }) else { return nil }
            self = kind
        }

        var mediaType: String {
            switch self {
            case .json: "application/json"
            default: ImageFormat(named: rawValue)?.mediaType ?? "application/octet-stream"
            }
        }
    }

    static let directoryName = "files"

    let key: VariantKey
    /// In bytes.
    let size: UInt32
    let kind: Kind

    init(key: VariantKey, size: UInt32, kind: Kind) {
        self.key = key
        self.size = size
        self.kind = kind
    }

    /// Nil for a name that is none of ours.
    init?(name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let key = VariantKey(digits: parts[0]), let size = UInt32(parts[1]),
            let kind = Kind(rawValue: String(parts[2]))
        else { return nil }
        self.init(key: key, size: size, kind: kind)
        guard name == self.name else { return nil }
    }

    var name: String { "\(key.digits).\(size).\(kind.rawValue)" }

    /// One of 256, by the version: from the directory of the store.
    var directory: String { "\(Self.directoryName)/\(key.digits.prefix(2))" }

    var path: String { "\(directory)/\(name)" }

    /// What it takes of the disk, in bytes: whole blocks, and its name.
    var cost: Int64 { (Int64(size) + 4095) / 4096 * 4096 + 512 }
}
