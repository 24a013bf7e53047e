// SPDX-License-Identifier: Apache-2.0

import CLinuxFiles
import Synchronization

/// The directories that blobs are spread over: made when first needed, remembered once they are durable.
final class FanOut: Sendable {
    /// Which directories exist under names that survive a crash.
    private struct Known {
        var uppers: Set<UInt8> = []
        /// One bit a directory.
        var leaves = [UInt64](repeating: 0, count: 1024)
    }

    private let root: Directory
    private let synchronizes: Bool
    private let known = Mutex<[BlobPlace.Tree: Known]>([:])

    init(root: Directory, synchronizes: Bool) {
        self.root = root
        self.synchronizes = synchronizes
    }

    /// Learns which directories there are, and makes them durable with one flush of the file system: what an earlier process
    /// made just before it died may not be.
    func learn() throws(LocalFileError) {
        if synchronizes { try Directory.check("syncfs", "") { syncfs(root.descriptor) } }
        for tree in BlobPlace.Tree.allCases {
            for leaf in try leaves(of: tree, from: 0, where: { _ in true }) { remember(leaf, in: tree) }
        }
    }

    /// Makes the directory of a place where it is missing.
    func prepare(_ place: BlobPlace) throws(LocalFileError) {
        let (leaf, tree) = (place.leaf, place.tree)
        let (knowsUpper, knowsLeaf) = known.withLock { known in
            guard let known = known[tree] else { return (false, false) }
            return (known.uppers.contains(UInt8(leaf >> 8)), known.leaves[Int(leaf) / 64] >> UInt64(leaf % 64) & 1 == 1)
        }
        guard !knowsLeaf else { return }
        // A directory that is there already is flushed too: another write may have made it a moment ago, unflushed.
        try root.makeDirectory(place.upper)
        try root.makeDirectory(place.directory)
        if synchronizes {
            try Directory(place.upper, in: root).synchronize()
            if !knowsUpper { try Directory(tree.rawValue, in: root).synchronize() }
        }
        remember(leaf, in: tree)
    }

    /// Someone removed the directory: the next write makes it again.
    func forget(_ place: BlobPlace) {
        let (leaf, tree) = (place.leaf, place.tree)
        known.withLock { known in
            known[tree]?.uppers.remove(UInt8(leaf >> 8))
            known[tree]?.leaves[Int(leaf) / 64] &= ~(1 << UInt64(leaf % 64))
        }
    }

    /// The directories of a tree, in order, from `first` on. Those whose upper half `isWanted` refuses are not looked into.
    func leaves(
        of tree: BlobPlace.Tree, from first: UInt16, where isWanted: (UInt8) -> Bool
    ) throws(LocalFileError) -> [UInt16] {
        var leaves: [UInt16] = []
        for upper in try Self.bytes(Directory(tree.rawValue, in: root).names()) where upper >= first >> 8 && isWanted(upper) {
            let lowers = try Self.bytes(Directory("\(tree.rawValue)/\(BlobPlace.hex(upper))", in: root).names())
            leaves += lowers.map { UInt16(upper) << 8 | UInt16($0) }.filter { $0 >= first }
        }
        return leaves
    }

    /// The names that are two lower-case digits, in order.
    private static func bytes(_ names: [String]) -> [UInt8] {
        names.compactMap { name in UInt8(name, radix: 16).flatMap { BlobPlace.hex($0) == name ? $0 : nil } }.sorted()
    }

    private func remember(_ leaf: UInt16, in tree: BlobPlace.Tree) {
        known.withLock { known in
            known[tree, default: Known()].uppers.insert(UInt8(leaf >> 8))
            known[tree, default: Known()].leaves[Int(leaf) / 64] |= 1 << UInt64(leaf % 64)
        }
    }
}
