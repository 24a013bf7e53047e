// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// What of the source's metadata gets into the result. What is false for the result never does: orientation, colour profile, preview.
struct Metadata {
    var policy: Transform.MetadataPolicy

    /// Whether the encoder writes none at all.
    var isStripped: Bool { policy == .strip }

    /// EXIF's own fields of who made it and whose it is.
    private static let copyright: Set = ["exif-ifd0-Copyright", "exif-ifd0-Artist"]
    private static let outdated: Set = [
        "orientation", "exif-ifd0-Orientation", "icc-profile-data", "jpeg-thumbnail-data", "photoshop-data",
    ]

    func apply(_ image: VipsImage) throws(VipsFailure) -> VipsImage {
        let names = image.fieldNames
        return try image.withFields { fields in
            for name in names where !keeps(name) { fields.remove(name) }
        }
    }

    private func keeps(_ name: String) -> Bool {
        guard !Self.outdated.contains(name) else { return false }
        switch policy {
        case .keep: return true
        case .copyright where Self.copyright.contains(name): return true
        // The block that the encoder writes the fields into; it drops those that are no longer among the image's.
        case .copyright where name == "exif-data": return true
        case .strip, .copyright:
            return !(name.hasPrefix("exif-") || name.hasSuffix("-data") || name.contains("comment") || name == "heif-exif")
        }
    }
}
