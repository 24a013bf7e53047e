// SPDX-License-Identifier: Apache-2.0

import Glibc
public import MediaCore

extension LocalBlobStore {
    /// Walks one directory at a time; a page costs memory for itself and for the names of one directory.
    ///
    /// Versions lie in the order of their keys, so a page reads only the directories it needs. Other keys are spread by a hash:
    /// every page reads all their directories and keeps the first names that follow the cursor.
    public func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
        guard limit > 0 else { return BlobPage(blobs: [], cursor: cursor) }
        let window = ListWindow(prefix: Array(prefix.utf8), after: cursor.map { Array($0.utf8) }, limit: limit)
        return try await onDisk { [self] in
            var found = SmallestKeys(limit: limit + 1)
            try collectVersions(window, into: &found)
            try collectNamed(window, into: &found)
            // A blob deleted since its name was read is left out of the page, not of the cursor's reckoning.
            let page = found.keys.prefix(limit)
            let blobs = try page.compactMap { try blobInfo($0) }
            return BlobPage(blobs: blobs, cursor: found.keys.count > limit ? page.last?.rawValue : nil)
        }
    }

    private func collectVersions(_ window: ListWindow, into found: inout SmallestKeys) throws {
        for leaf in try fanOut.leaves(of: .blobs, from: window.firstLeaf, where: window.mayHold) where window.mayHold(leaf) {
            try collect(.blobs, leaf, window, into: &found)
            if found.isFull { return }
        }
    }

    private func collectNamed(_ window: ListWindow, into found: inout SmallestKeys) throws {
        for leaf in try fanOut.leaves(of: .named, from: 0, where: { _ in true }) {
            try collect(.named, leaf, window, into: &found)
        }
    }

    private func collect(
        _ tree: BlobPlace.Tree, _ leaf: UInt16, _ window: ListWindow, into found: inout SmallestKeys
    ) throws {
        let directory = "\(tree.rawValue)/\(BlobPlace.hex(UInt8(leaf >> 8)))/\(BlobPlace.hex(UInt8(leaf & 0xFF)))"
        for name in try Directory(directory, in: root).names() {
            guard let key = BlobPlace.key(ofFile: name, in: tree, leaf: leaf), window.contains(key) else { continue }
            found.insert(key)
        }
    }

    private func blobInfo(_ key: BlobKey) throws -> BlobInfo? {
        do {
            let status = try root.status(BlobPlace(key).path)
            return status.isRegularFile ? status.info(key) : nil
        } catch let error as LocalFileError where error.code == ENOENT {
            return nil
        }
    }
}

/// Which keys a page may have.
private struct ListWindow {
    let prefix: [UInt8]
    let after: [UInt8]?
    let limit: Int

    func contains(_ key: BlobKey) -> Bool {
        key.rawValue.utf8.starts(with: prefix) && after.map { $0.lexicographicallyPrecedes(key.rawValue.utf8) } ?? true
    }

    /// The first directory whose versions may follow the cursor.
    var firstLeaf: UInt16 {
        // Only a cursor that is spelt like a version says where among the versions it lies: "ABCD/x" comes before "a000…".
        guard let after, after.count >= 4, let leaf = UInt16(String(decoding: after.prefix(4), as: UTF8.self), radix: 16),
            String(decoding: after.prefix(4), as: UTF8.self)
                == BlobPlace.hex(UInt8(leaf >> 8)) + BlobPlace.hex(UInt8(leaf & 0xFF))
        else { return 0 }
        return leaf
    }

    func mayHold(upper: UInt8) -> Bool { agrees(BlobPlace.hex(upper)) }

    func mayHold(_ leaf: UInt16) -> Bool {
        agrees(BlobPlace.hex(UInt8(leaf >> 8)) + BlobPlace.hex(UInt8(leaf & 0xFF)))
    }

    /// Whether versions that begin with `digits` can begin with the prefix.
    private func agrees(_ digits: String) -> Bool { zip(digits.utf8, prefix).allSatisfy { $0 == $1 } }
}

/// The first keys of many, in byte order, in bounded memory.
private struct SmallestKeys {
    private(set) var keys: [BlobKey] = []
    let limit: Int

    init(limit: Int) { self.limit = limit }

    var isFull: Bool { keys.count >= limit }

    mutating func insert(_ key: BlobKey) {
        if isFull, let last = keys.last, !Self.precedes(key, last) { return }
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(keys[middle], key) { low = middle + 1 } else { high = middle }
        }
        keys.insert(key, at: low)
        if keys.count > limit { keys.removeLast() }
    }

    private static func precedes(_ a: BlobKey, _ b: BlobKey) -> Bool {
        a.rawValue.utf8.lexicographicallyPrecedes(b.rawValue.utf8)
    }
}
