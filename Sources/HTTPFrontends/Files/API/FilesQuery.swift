// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// The query of a request. What is empty says nothing, and what has a name that means nothing is let go.
struct FilesQuery {
    private let parameters: QueryParameters

    /// - Throws: `FilesProblem` for escapes that are none, and for too many parameters.
    init(_ target: some StringProtocol) throws(FilesProblem) {
        do {
            parameters = try QueryParameters(
                parsing: target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.utf8.index(after: $0)...] })
        } catch {
            throw .invalid("query", "can't be read")
        }
    }

    func text(_ name: String, upTo longest: Int = 255) throws(FilesProblem) -> String? {
        guard let text = parameters[name], !text.isEmpty else { return nil }
        guard text.count <= longest, text.utf8.count <= 4 * longest, !text.utf8.contains(0) else {
            throw .invalid(name, "must be text of at most \(longest) characters")
        }
        return text
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(FilesProblem) -> Int? {
        guard let text = parameters[name], !text.isEmpty else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text), range.contains(number) else {
            throw .invalid(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func choice<Choice: CaseIterable & RawRepresentable<String>>(_ name: String) throws(FilesProblem) -> Choice? {
        guard let text = parameters[name], !text.isEmpty else { return nil }
        return try FilesFields.choice(name, text)
    }

    /// Whether a parameter is there, and says nothing or yes.
    func flag(_ name: String) -> Bool { parameters[name].map { ["", "1", "true"].contains($0) } ?? false }
}

extension FileQuery {
    private enum Direction: String, CaseIterable { case asc, desc }

    /// Behind this page nobody looks, and the database would have to count up to it.
    private static let lastPage = 10_000_000

    /// - Throws: `FilesProblem` that names the first parameter that is wrong.
    init(_ query: FilesQuery) throws(FilesProblem) {
        let direction: Direction? = try query.choice("sortDirection")
        let field: FileOrder.Field? = try query.choice("sortBy")
        self.init(
            page: try query.integer("page", in: 1...Self.lastPage) ?? 1,
            limit: try query.integer("limit", in: 1...Self.maxLimit) ?? 20,
            order: FileOrder(field ?? .createdAt, isAscending: direction == .asc), visibility: try query.choice("visibility"),
            ownerKind: try query.choice("ownerType"), ownerSubject: try query.text("ownerId"),
            label: try query.choice("bucket"), mediaType: try query.text("mimeType", upTo: 100).map { MediaTypeFilter($0) },
            search: try query.text("search"))
    }
}
