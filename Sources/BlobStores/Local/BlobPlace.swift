// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Where a blob is, relative to the store's directory: `blobs/ab/cd/<version>`, or `named/ab/cd/<name>` for other keys.
///
/// A version is a UUID and spreads by its own first digits, so walking the directories in order walks the keys in order.
/// Any other key becomes one file name (`:` for `/`, which no key has) and spreads by a hash. No part of a key ever is a
/// directory, so no key leads out of the store.
struct BlobPlace: Hashable {
    enum Tree: String, CaseIterable {
        case blobs, named
    }

    let tree: Tree
    /// Which of the 65,536 directories of the tree.
    let leaf: UInt16
    let name: String

    /// The longest key, so that its file name has at most 255 bytes with room to spare.
    static let maxKeyBytes = 200

    /// - Throws: `.invalidKey` for anything but ASCII letters, digits and `/-_.`, without empty, `.` and `..` segments.
    init(_ key: BlobKey) throws(StorageError) {
        let bytes = Array(key.rawValue.utf8)
        if Self.isVersion(bytes) {
            tree = .blobs
            leaf = bytes.prefix(4).reduce(0) { $0 << 4 | UInt16(Self.hexValue($1)) }
            name = key.rawValue
            return
        }
        guard (1...Self.maxKeyBytes).contains(bytes.count), bytes.allSatisfy(Self.isAllowed),
            bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy({ segment in
                !segment.isEmpty && !segment.elementsEqual(".".utf8) && !segment.elementsEqual("..".utf8)
            })
        else { throw StorageError(.invalidKey, "Invalid blob key", resource: String(key.rawValue.prefix(64))) }
        tree = .named
        leaf = Self.hash(bytes)
        name = key.rawValue.replacing("/", with: ":")
    }

    /// The key of a file, or nil for one that no key leads to.
    static func key(ofFile name: String, in tree: Tree, leaf: UInt16) -> BlobKey? {
        let key = BlobKey(tree == .named ? name.replacing(":", with: "/") : name)
        // A name of which no key can be made is a file of somebody else's.
        guard let place = try? BlobPlace(key), place.tree == tree, place.leaf == leaf, place.name == name else { return nil }
        return key
    }

    var upper: String { "\(tree.rawValue)/\(Self.hex(UInt8(leaf >> 8)))" }
    var directory: String { "\(upper)/\(Self.hex(UInt8(leaf & 0xFF)))" }
    var path: String { "\(directory)/\(name)" }

    /// Two lower-case digits.
    static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    /// Whether the text is a UUID in lower case, as versions made here are.
    private static func isVersion(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { index, byte in
            switch index {
            case 8, 13, 18, 23: byte == UInt8(ascii: "-")
            default:
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
        }
    }

    private static func hexValue(_ byte: UInt8) -> UInt8 {
        byte < UInt8(ascii: "a") ? byte - UInt8(ascii: "0") : byte - UInt8(ascii: "a") + 10
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// FNV-1a, folded to 16 bits. Part of the format: a file must be found where an earlier release put it.
    private static func hash(_ bytes: [UInt8]) -> UInt16 {
        let full = bytes.reduce(into: UInt64(0xCBF2_9CE4_8422_2325)) { $0 = ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return UInt16(truncatingIfNeeded: full ^ full >> 16 ^ full >> 32 ^ full >> 48)
    }
}
