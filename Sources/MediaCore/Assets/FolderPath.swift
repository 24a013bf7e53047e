// SPDX-License-Identifier: Apache-2.0

/// A virtual folder of a project, as `catalog/shoes`: its names joined by `/`, without one at either end. The empty path is the root.
public struct FolderPath: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public static let root = FolderPath(stored: "")
    /// The longest path, in UTF-8 bytes.
    public static let maxBytes = 512

    /// A path read from the database.
    public init(stored rawValue: String) { self.rawValue = rawValue }

    /// Takes `/` off both ends.
    /// - Throws: `StorageError` with `.invalidParameter` for empty names, `.` and `..`, control characters, and what is too long.
    public init(_ text: String) throws(StorageError) {
        var names = text.split(separator: "/", omittingEmptySubsequences: false)[...]
        while names.first?.isEmpty == true { names.removeFirst() }
        while names.last?.isEmpty == true { names.removeLast() }
        let isAllowed = names.allSatisfy { name in
            !name.isEmpty && name != "." && name != ".." && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        }
        let path = names.joined(separator: "/")
        guard isAllowed, path.utf8.count <= Self.maxBytes else {
            throw StorageError(
                .invalidParameter,
                "folder must be names joined by '/', at most \(Self.maxBytes) bytes, and none of them empty, '.' or '..'",
                resource: "folder")
        }
        self.rawValue = path
    }

    public var isRoot: Bool { rawValue.isEmpty }

    /// This folder's parents, the outermost first, and itself; not the root.
    public var ancestry: [FolderPath] {
        var paths: [FolderPath] = []
        var names: [Substring] = []
        for name in rawValue.split(separator: "/") {
            names.append(name)
            paths.append(FolderPath(stored: names.joined(separator: "/")))
        }
        return paths
    }

    public var description: String { rawValue }

    public static func < (a: FolderPath, b: FolderPath) -> Bool {
        a.rawValue.utf8.lexicographicallyPrecedes(b.rawValue.utf8)
    }
}
