// SPDX-License-Identifier: Apache-2.0

/// A file in a project's own store that may become an asset.
struct ImportCandidate: Hashable, Sendable {
    let blob: BlobInfo
    /// Of the object that it becomes. Its key is the asset's id.
    let address: ObjectAddress
    /// Whether the file is where the asset's original belongs, so that it need not be copied.
    let isInPlace: Bool
    /// Whether the asset was there before.
    var isKnown = false

    /// - Parameter folder: where all blobs of the project are.
    init(_ blob: BlobInfo, in place: BackendPlace, folder: String, of project: BucketID) {
        self.blob = blob
        let key = blob.key.rawValue
        let name =
            key.utf8.starts(with: folder.utf8) ? String(decoding: key.utf8.dropFirst(folder.utf8.count), as: UTF8.self) : ""
        isInPlace = AssetID.isImage(name)
        let id = isInPlace ? AssetID(stored: name) : AssetID(importedFrom: blob, in: place, to: project)
        address = ObjectAddress(bucket: project, key: ObjectKey(stored: id.rawValue))
    }

    /// The last segment of the key, without what no file's name has. Nil where nothing is left of it.
    var fileName: String? {
        let name = blob.key.rawValue.split(separator: "/").last ?? ""
        var scalars = String.UnicodeScalarView()
        var bytes = 0
        for scalar in name.unicodeScalars where !(scalar.value < 0x20 || scalar.value == 0x7F || scalar == "\\") {
            bytes += UTF8.width(scalar)
            guard bytes <= Self.longestName else { break }
            scalars.append(scalar)
        }
        return scalars.isEmpty ? nil : String(scalars)
    }

    /// In UTF-8 bytes, as file systems have it.
    private static let longestName = 255
}

extension AssetID {
    /// Whether text is the id of an image, in the form in which ids are made here.
    fileprivate static func isImage(_ text: String) -> Bool {
        // Without the letters that Crockford's Base32 leaves out.
        text.hasPrefix(Prefix.image.rawValue) && BlobNaming.isAssetID(text)
            && !text.utf8.dropFirst(4).contains { "ILOU".utf8.contains($0) }
    }

    /// The id of what a file is imported as: the same for the same bytes at the same key.
    fileprivate init(importedFrom blob: BlobInfo, in place: BackendPlace, to project: BucketID) {
        let source = [
            project.rawValue, place.container, blob.key.rawValue, "\(blob.size)", "\(blob.modifiedAt.milliseconds)",
        ]
        self.init(
            stored: Prefix.image.rawValue + ULID(deriving: source.joined(separator: "\u{0}"), at: blob.modifiedAt).description)
    }
}

extension UTF8 {
    fileprivate static func width(_ scalar: Unicode.Scalar) -> Int { encode(scalar)?.count ?? 0 }
}

extension BackendPlace {
    /// Whether keys of the one are keys of the other.
    func isSameContainer(as other: BackendPlace) -> Bool {
        kind == other.kind && endpoint == other.endpoint && container == other.container
    }
}
