// SPDX-License-Identifier: Apache-2.0

/// Which variants there are, in the order in which they were used.
struct VariantIndex {
    /// Links go by position, so that half a million entries are one array.
    private struct Entry {
        var file: VariantFile
        /// Tells it from earlier and later entries of its variant, whose files have the same name.
        var serial: UInt32
        /// When its file was last marked as used, in seconds since 1970.
        var marked: UInt32
        var newer = VariantIndex.none
        var older = VariantIndex.none
        var nextOfVersion = VariantIndex.none
        var previousOfVersion = VariantIndex.none
    }

    /// An entry that was found.
    struct Use {
        var file: VariantFile
        /// Whether the file is to be marked as used.
        var marks: Bool
        fileprivate var serial: UInt32
    }

    private static let none: Int32 = -1

    private var entries: [Entry] = []
    private var free: [Int32] = []
    private var positions: [VariantKey: Int32] = [:]
    private var versions: [VariantKey.Version: Int32] = [:]
    private var newest = VariantIndex.none
    private var oldest = VariantIndex.none
    private var lastSerial: UInt32 = 0
    /// Of all files, in bytes.
    private(set) var cost: Int64 = 0

    var count: Int { positions.count }

    /// The file of a variant, which counts as used now.
    ///
    /// - Parameter age: in seconds; when the mark on the file is older, it is to be marked anew.
    mutating func use(_ key: VariantKey, at now: UInt32, markingAfter age: UInt32) -> Use? {
        guard let position = positions[key] else { return nil }
        unlinkUse(position)
        linkNewest(position)
        let marks = now > entries[Int(position)].marked + age
        if marks { entries[Int(position)].marked = now }
        return Use(file: entries[Int(position)].file, marks: marks, serial: entries[Int(position)].serial)
    }

    func file(of key: VariantKey) -> VariantFile? { positions[key].map { entries[Int($0)].file } }

    /// Adds a file as the one used last, in place of any other of its variant.
    mutating func add(_ file: VariantFile, at now: UInt32) {
        remove(file.key)
        linkNewest(insert(file, marked: now))
    }

    /// Adds a file as the one that was not used for longest. - Returns: false when there is one of its variant.
    mutating func addOldest(_ file: VariantFile, marked: UInt32) -> Bool {
        guard positions[file.key] == nil else { return false }
        linkOldest(insert(file, marked: marked))
        return true
    }

    @discardableResult
    mutating func remove(_ key: VariantKey) -> VariantFile? {
        positions[key].map { removeEntry($0) }
    }

    /// Removes an entry whose file turned out to be missing or not what it says, unless another one took its place since.
    /// - Returns: whether it was still there.
    mutating func lose(_ use: Use) -> Bool {
        guard let position = positions[use.file.key], entries[Int(position)].serial == use.serial else { return false }
        _ = removeEntry(position)
        return true
    }

    /// Removes what was not used for longest, until the rest costs no more than `limit`.
    mutating func trim(to limit: Int64) -> [VariantFile] {
        var removed: [VariantFile] = []
        while cost > limit, oldest != Self.none { removed.append(removeEntry(oldest)) }
        return removed
    }

    mutating func removeAll(of version: VariantKey.Version) -> [VariantFile] {
        var removed: [VariantFile] = []
        while let position = versions[version] { removed.append(removeEntry(position)) }
        return removed
    }

    private mutating func insert(_ file: VariantFile, marked: UInt32) -> Int32 {
        lastSerial &+= 1
        let entry = Entry(file: file, serial: lastSerial, marked: marked)
        let position: Int32
        if let reused = free.popLast() {
            position = reused
            entries[Int(position)] = entry
        } else {
            position = Int32(entries.count)
            entries.append(entry)
        }
        positions[file.key] = position
        linkVersion(position)
        cost += file.cost
        return position
    }

    private mutating func removeEntry(_ position: Int32) -> VariantFile {
        unlinkUse(position)
        unlinkVersion(position)
        let file = entries[Int(position)].file
        positions[file.key] = nil
        cost -= file.cost
        free.append(position)
        return file
    }
}

// MARK: - The two lists that every entry is in

extension VariantIndex {
    private mutating func linkNewest(_ position: Int32) {
        entries[Int(position)].newer = Self.none
        entries[Int(position)].older = newest
        if newest != Self.none { entries[Int(newest)].newer = position }
        newest = position
        if oldest == Self.none { oldest = position }
    }

    private mutating func linkOldest(_ position: Int32) {
        entries[Int(position)].older = Self.none
        entries[Int(position)].newer = oldest
        if oldest != Self.none { entries[Int(oldest)].older = position }
        oldest = position
        if newest == Self.none { newest = position }
    }

    private mutating func unlinkUse(_ position: Int32) {
        let (newer, older) = (entries[Int(position)].newer, entries[Int(position)].older)
        if newer == Self.none { newest = older } else { entries[Int(newer)].older = older }
        if older == Self.none { oldest = newer } else { entries[Int(older)].newer = newer }
    }

    private mutating func linkVersion(_ position: Int32) {
        let version = entries[Int(position)].file.key.version
        if let first = versions[version] {
            entries[Int(position)].nextOfVersion = first
            entries[Int(first)].previousOfVersion = position
        }
        versions[version] = position
    }

    private mutating func unlinkVersion(_ position: Int32) {
        let (next, previous) = (entries[Int(position)].nextOfVersion, entries[Int(position)].previousOfVersion)
        if next != Self.none { entries[Int(next)].previousOfVersion = previous }
        if previous != Self.none {
            entries[Int(previous)].nextOfVersion = next
        } else {
            versions[entries[Int(position)].file.key.version] = next == Self.none ? nil : next
        }
    }
}
