// SPDX-License-Identifier: Apache-2.0

/// What of a project's own store is to become assets.
public struct ImportOrder: Hashable, Sendable, Decodable {
    /// Only keys that begin so. Nil: those below the place of the project's own blobs, `{prefix}{project}/`.
    public var prefix: String?
    /// Where the assets are filed. Nil: nowhere.
    public var folder: String?
    /// Whether nothing is made: only counted.
    public var isDryRun: Bool

    public init(prefix: String? = nil, folder: String? = nil, isDryRun: Bool = false) {
        self.prefix = prefix
        self.folder = folder
        self.isDryRun = isDryRun
    }

    private enum CodingKeys: String, CodingKey {
        case prefix, folder
        case isDryRun = "dryRun"
    }
}

extension ImportOrder {
    /// The longest prefix, in bytes: as keys of the services.
    private static let longestPrefix = 1024

    /// In its normal form, with all that was left open.
    /// - Throws: `StorageError` with `.invalidParameter` that names the field.
    func checked(of project: BucketID, in place: BackendPlace) throws(StorageError) -> ImportOrder {
        var order = self
        let prefix = prefix ?? BlobNaming.folder(of: project, below: place.pathPrefix)
        guard prefix.utf8.count <= Self.longestPrefix, !prefix.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            throw StorageError(.invalidParameter, "prefix must be the beginning of a key", resource: "prefix")
        }
        order.prefix = prefix
        if let folder { order.folder = try FolderPath(folder).rawValue }
        return order
    }

    /// As the job keeps it.
    var payload: JSONText {
        JSONText(
            trusted: JSONWriter.object { order in
                order.field("prefix", prefix)
                order.field("folder", folder)
                order.field("dryRun", isDryRun)
            })
    }
}
