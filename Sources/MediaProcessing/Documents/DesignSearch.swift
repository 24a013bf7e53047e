// SPDX-License-Identifier: Apache-2.0

/// Finds what stands apart on a page: a recursive X-Y cut.
///
/// The page is cut along its empty rows, each part along its empty columns, each part of that along its empty rows again, and so on.
/// A strip counts as empty when nothing is in it and it is at least so wide as the distance that separates designs, rather than the lines and
/// letters of one.
struct DesignSearch {
    /// Whether there is something, line by line from the top.
    let marks: [Bool]
    let width: Int
    let height: Int

    /// A part of the page, with its ends not in it.
    struct Area: Hashable {
        var columns: Range<Int>
        var rows: Range<Int>
    }

    /// The least distance between two designs: 3 % of the longer side.
    var gap: Int { max(max(width, height) * 3 / 100, 2) }

    /// In the order of reading, each as small as what is in it. What is smaller each way than the distance between designs is a mark of
    /// the printer's, unless there is nothing else.
    func areas() -> [Area] {
        guard let all = trimmed(Area(columns: 0..<width, rows: 0..<height)) else { return [] }
        let areas = parts(of: all)
        let designs = areas.filter { $0.columns.count >= gap || $0.rows.count >= gap }
        return designs.isEmpty ? [all] : designs
    }

    private func parts(of area: Area) -> [Area] {
        let bands = cut(area.rows, where: isEmptyRow(area)).map { Area(columns: area.columns, rows: $0) }
        if bands.count > 1 { return bands.compactMap(trimmed).flatMap(parts) }
        let stacks = cut(area.columns, where: isEmptyColumn(area)).map { Area(columns: $0, rows: area.rows) }
        if stacks.count > 1 { return stacks.compactMap(trimmed).flatMap(parts) }
        return [area]
    }

    /// The pieces of a range between its empty stretches that are wide enough.
    private func cut(_ range: Range<Int>, where isEmpty: [Bool]) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var (start, empty) = (range.lowerBound, 0)
        for position in range {
            guard !isEmpty[position - range.lowerBound] else {
                empty += 1
                continue
            }
            if empty >= gap, position - empty > start {
                pieces.append(start..<position - empty)
                start = position
            }
            empty = 0
        }
        pieces.append(start..<range.upperBound)
        return pieces
    }

    /// Without the empty rows and columns around it. Nil when nothing is in it.
    private func trimmed(_ area: Area) -> Area? {
        let rows = isEmptyRow(area)
        guard let top = rows.firstIndex(of: false), let bottom = rows.lastIndex(of: false) else { return nil }
        let inner = Area(columns: area.columns, rows: area.rows.lowerBound + top..<area.rows.lowerBound + bottom + 1)
        let columns = isEmptyColumn(inner)
        guard let left = columns.firstIndex(of: false), let right = columns.lastIndex(of: false) else { return nil }
        return Area(columns: area.columns.lowerBound + left..<area.columns.lowerBound + right + 1, rows: inner.rows)
    }

    private func isEmptyRow(_ area: Area) -> [Bool] {
        area.rows.map { row in
            !marks[row * width + area.columns.lowerBound..<row * width + area.columns.upperBound].contains(true)
        }
    }

    private func isEmptyColumn(_ area: Area) -> [Bool] {
        var isEmpty = [Bool](repeating: true, count: area.columns.count)
        for row in area.rows {
            let line = row * width + area.columns.lowerBound
            for column in isEmpty.indices where marks[line + column] { isEmpty[column] = false }
        }
        return isEmpty
    }
}
