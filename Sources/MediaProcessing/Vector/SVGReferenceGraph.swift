// SPDX-License-Identifier: Apache-2.0

/// That something is drawn with an element that is elsewhere in the document.
struct SVGReference: Hashable, Sendable {
    /// The property that refers to it, or nil for an element that stands for it (`use`).
    var property: String?
    var id: String
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

    private var nodes: [(element: Element, children: [Int])] = []
    /// Whether there is something that is drawn at each point of some path, whichever that is.
    private var hasMarkersAtPoints = false
    private var byID: [String: Int] = [:]
    private var open: [Int] = []
    private var rules: [CSSSubject: [SVGReference]] = [:]

    mutating func begin(_ element: Element) {
        let index = nodes.count
        nodes.append((element, []))
        if let id = element.id, byID[id] == nil { byID[id] = index }
        note(element.references)
        if let parent = open.last { nodes[parent].children.append(index) }
        open.append(index)
    }

    /// Adds to what the innermost open element costs.
    mutating func addWeight(_ weight: Int) {
        guard let current = open.last else { return }
        nodes[current].element.weight += weight
    }

    mutating func end() { open.removeLast() }

    mutating func add(_ stylesheet: CSSStylesheet) {
        for (subject, reference) in stylesheet.references {
            rules[subject, default: []].append(reference)
            note([reference])
        }
    }

    private mutating func note(_ references: [SVGReference]) {
        hasMarkersAtPoints = hasMarkersAtPoints || references.contains { $0.property == "marker-mid" || $0.property == "marker" }
    }

    /// What drawing the whole document costs, at the most.
    /// - Returns: Nil for a document with an element that is drawn inside of itself; `limit` for that much or more.
    func expandedWeight(limit: Int) -> Int? {
        var weights = [Int](repeating: Self.unknown, count: nodes.count)
        var path: [(node: Int, references: [SVGReference], next: Int)] = []
        guard !nodes.isEmpty else { return 0 }
        weights[0] = Self.pending
        path.append((0, references(of: 0), 0))
        while let (node, references, next) = path.last {
            guard let target = dependency(next, of: node, references) else {
                weights[node] = weight(of: node, references, weights, limit)
                path.removeLast()
                continue
            }
            path[path.count - 1].next += 1
            guard weights[target] != Self.pending else { return nil }
            guard weights[target] == Self.unknown else { continue }
            weights[target] = Self.pending
            path.append((target, self.references(of: target), 0))
        }
        return weights[0]
    }

    /// Those of its own, and those that rules may give it, to elements that exist.
    private func references(of index: Int) -> [SVGReference] {
        let element = nodes[index].element
        var references = element.references
        if !rules.isEmpty {
            var subjects = element.classes.map(CSSSubject.className) + [.element(element.name)]
            if let id = element.id { subjects.append(.id(id)) }
            for subject in subjects { references += rules[subject] ?? [] }
            references = Array(Set(references))
        }
        return references.filter { reference in
            byID[reference.id].map { !nodes[$0].element.isGradient || reference.property == nil } ?? false
        }
    }

    /// The children first, then what is referred to.
    private func dependency(_ index: Int, of node: Int, _ references: [SVGReference]) -> Int? {
        let children = nodes[node].children
        if index < children.count { return children[index] }
        let rest = index - children.count
        return rest < references.count ? byID[references[rest].id] : nil
    }

    private func weight(of node: Int, _ references: [SVGReference], _ weights: [Int], _ limit: Int) -> Int {
        let element = nodes[node].element
        var own = element.weight + (hasMarkersAtPoints ? element.points : 0)
        for child in nodes[node].children { own = min(own + weights[child], limit) }
        var inherited = 1
        var once = 0
        for reference in references {
            let target = byID[reference.id].map { weights[$0] } ?? 0
            if let property = reference.property, SVGVocabulary.inheritedReferences.contains(property) {
                inherited = min(inherited + target, limit)
            } else {
                once = min(once + target, limit)
            }
        }
        // What is used gets the paint of its user, too.
        own = min(own + once, limit)
        return own > limit / inherited ? limit : own * inherited
    }

    private static let unknown = -1
    private static let pending = -2
}
