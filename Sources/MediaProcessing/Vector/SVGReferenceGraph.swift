// SPDX-License-Identifier: Apache-2.0

/// That something is drawn with an element that is elsewhere in the document.
struct SVGReference: Hashable, Sendable {
    /// The property that refers to it, or nil for an element that stands for it (`use`).
    var property: String?
    var id: String

    /// Whether the elements inside draw with it as well.
    var isInherited: Bool { property.map(SVGVocabulary.inheritedReferences.contains) ?? false }
    /// Whether it is drawn at each point of a path.
    var isAtPoints: Bool { property == "marker-mid" || property == "marker" }
}

/// Who draws what in a document, to count what it becomes when everything is drawn: ten elements that each use the one before
/// ten times are ten thousand million.
///
/// The count is an upper bound and need not be exact. A document without such tricks stays far below any limit.
struct SVGReferenceGraph: Sendable {
    /// What is looked at of an element.
    struct Element: Sendable {
        var name: String
        var id: String?
        var classes: [String] = []
        /// How much it costs to draw, 1 for a small shape.
        var weight: Int
        /// Where markers could be drawn.
        var points = 0
        /// What is painted with a gradient costs no more.
        var isGradient = false
        var references: [SVGReference] = []
    }

    private(set) var elements: [Element] = []
    /// The elements directly inside of each.
    private(set) var children: [[Int]] = []
    /// The first element with each id.
    private(set) var byID: [String: Int] = [:]
    /// What stylesheets make elements refer to.
    private(set) var rules: [CSSSubject: Set<SVGReference>] = [:]
    /// Whether there is something that is drawn at each point of some path, whichever that is.
    private(set) var hasMarkersAtPoints = false
    private var open: [Int] = []

    mutating func begin(_ element: Element) {
        let index = elements.count
        elements.append(element)
        children.append([])
        if let id = element.id, byID[id] == nil { byID[id] = index }
        if let parent = open.last { children[parent].append(index) }
        open.append(index)
        hasMarkersAtPoints = hasMarkersAtPoints || element.references.contains(where: \.isAtPoints)
    }

    /// Adds to what the innermost open element costs.
    mutating func addWeight(_ weight: Int) {
        guard let current = open.last else { return }
        elements[current].weight += weight
    }

    mutating func end() { open.removeLast() }

    mutating func add(_ stylesheet: CSSStylesheet) {
        for (subject, reference) in stylesheet.references {
            rules[subject, default: []].insert(reference)
            hasMarkersAtPoints = hasMarkersAtPoints || reference.isAtPoints
        }
    }

    /// What drawing the whole document costs, at the most.
    /// - Returns: Nil for a document with an element that is drawn inside of itself; `limit` for that much or more.
    func expandedWeight(limit: Int) -> Int? {
        var expansion = SVGExpansion(self, limit: limit)
        return expansion.run()
    }

    /// Where a reference leads, if that costs anything.
    func target(of reference: SVGReference) -> Int? {
        guard let index = byID[reference.id], reference.property == nil || !elements[index].isGradient else { return nil }
        return index
    }
}
