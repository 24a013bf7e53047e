// SPDX-License-Identifier: Apache-2.0

/// The walk through a graph of references that adds up what drawing costs. It doesn't recurse: chains of references may be as
/// long as a document.
///
/// Places are elements, followed by the subjects of the stylesheets' rules: what many elements get from one rule is added
/// up once.
struct SVGExpansion {
    /// What a place costs those that depend on it.
    private struct Cost {
        /// Of an element: when it is drawn once. Of a subject: once for each element that it selects.
        var once = 0
        /// Of a subject: once for everything that is drawn inside of an element that it selects, and one for that itself.
        var inherited = 1
    }

    private enum State { case unknown, pending, known }

    private let graph: SVGReferenceGraph
    private let limit: Int
    private let subjects: [CSSSubject]
    private let places: [CSSSubject: Int]
    private var states: [State]
    private var costs: [Cost]

    init(_ graph: SVGReferenceGraph, limit: Int) {
        self.graph = graph
        self.limit = limit
        subjects = Array(graph.rules.keys)
        let first = graph.elements.count
        places = Dictionary(uniqueKeysWithValues: subjects.enumerated().map { ($1, first + $0) })
        states = Array(repeating: .unknown, count: first + subjects.count)
        costs = Array(repeating: Cost(), count: first + subjects.count)
    }

    mutating func run() -> Int? {
        guard !graph.elements.isEmpty else { return 0 }
        var path: [(place: Int, dependencies: [Int], next: Int)] = []
        states[0] = .pending
        path.append((0, dependencies(of: 0), 0))
        while let (place, dependencies, next) = path.last {
            guard next < dependencies.count else {
                costs[place] = cost(of: place)
                states[place] = .known
                path.removeLast()
                continue
            }
            path[path.count - 1].next += 1
            let dependency = dependencies[next]
            switch states[dependency] {
            case .known: continue
            case .pending: return nil
            case .unknown:
                states[dependency] = .pending
                path.append((dependency, self.dependencies(of: dependency), 0))
            }
        }
        return costs[0].once
    }

    private func dependencies(of place: Int) -> [Int] {
        guard place < graph.elements.count else { return references(of: place).compactMap(graph.target) }
        let targets = graph.elements[place].references.compactMap(graph.target)
        return graph.children[place] + targets + selectors(of: place)
    }

    private func references(of subject: Int) -> Set<SVGReference> {
        graph.rules[subjects[subject - graph.elements.count]] ?? []
    }

    /// The places of the subjects that may be an element.
    private func selectors(of element: Int) -> [Int] {
        guard !places.isEmpty else { return [] }
        let element = graph.elements[element]
        var subjects = Set(element.classes.map(CSSSubject.className))
        subjects.insert(.element(element.name))
        if let id = element.id { subjects.insert(.id(id)) }
        return subjects.compactMap { places[$0] }
    }

    private func cost(of place: Int) -> Cost {
        var cost = Cost()
        guard place < graph.elements.count else {
            for reference in references(of: place) { add(reference, to: &cost) }
            return cost
        }
        let element = graph.elements[place]
        cost.once = element.weight + (graph.hasMarkersAtPoints ? element.points : 0)
        for child in graph.children[place] { cost.once = min(cost.once + costs[child].once, limit) }
        for reference in element.references { add(reference, to: &cost) }
        for selector in selectors(of: place) {
            cost.once = min(cost.once + costs[selector].once, limit)
            cost.inherited = min(cost.inherited + costs[selector].inherited - 1, limit)
        }
        // What is used gets the paint of its user, too.
        let (product, overflow) = cost.once.multipliedReportingOverflow(by: cost.inherited)
        return Cost(once: overflow ? limit : min(product, limit))
    }

    private func add(_ reference: SVGReference, to cost: inout Cost) {
        guard let target = graph.target(of: reference) else { return }
        if reference.isInherited {
            cost.inherited = min(cost.inherited + costs[target].once, limit)
        } else {
            cost.once = min(cost.once + costs[target].once, limit)
        }
    }
}
