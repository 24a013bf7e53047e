// SPDX-License-Identifier: Apache-2.0

/// What the blobs of a project are called in a store of its own.
///
/// `{prefix}{project}/{asset}` where the object's key is the id of an asset, `{prefix}{project}/{asset}.{version}` when that one is taken, by an
/// earlier version for instance, and `{prefix}{project}/{version}` for any other object. Nobody's key is ever part of a name but for ids of
/// assets, which are checked, so none leads elsewhere; no name is another one's folder, which stores on file systems could not have.
public enum BlobNaming {
    /// The keys that a version may have, the best first. All of them lie below `{prefix}{project}/`.
    /// - Parameter fresh: stands in the last key, which is for a version that was in the store before.
    public static func keys(
        for version: ObjectVersion, of address: ObjectAddress, below prefix: String, fresh: ObjectVersion = ObjectVersion()
    ) -> [BlobKey] {
        let folder = self.folder(of: address.bucket, below: prefix)
        let name = isPlain(version.rawValue) ? version.rawValue : fresh.rawValue
        let another = "\(name)-\(fresh.rawValue)"
        let key = address.key.rawValue
        let names = isAssetID(key) ? [key, "\(key).\(name)", "\(key).\(another)"] : [name, another]
        return names.map { BlobKey(folder + $0) }
    }

    /// Where all blobs of a project are: `{prefix}{project}/`.
    public static func folder(of project: BucketID, below prefix: String) -> String { "\(prefix)\(escaped(project.rawValue))/" }

    /// The id of an asset as it is made here: a prefix and a ULID.
    static func isAssetID(_ key: String) -> Bool {
        let bytes = key.utf8
        return AssetID.isID(key) && bytes.count == 30
            && bytes.dropFirst(4).allSatisfy { isDigit($0) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }

    /// The names of projects need no escape; buckets that came from elsewhere may be called anything. No two give the same text.
    private static func escaped(_ name: String) -> String {
        var text = ""
        for byte in name.utf8 {
            if isDigit(byte) || isLower(byte) || byte == UInt8(ascii: "-") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "_" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text
    }

    /// As versions are made here. Those of adopted databases may hold any text.
    private static func isPlain(_ version: String) -> Bool {
        (1...64).contains(version.utf8.count)
            && version.utf8.allSatisfy { isDigit($0) || isLower($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}
