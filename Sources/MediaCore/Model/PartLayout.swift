// SPDX-License-Identifier: Apache-2.0

/// How large the parts are that an object was uploaded in, in their order.
///
/// They stay readable one by one; their numbers are counted from 1 without gaps, whatever the client called them.
public struct PartLayout: Hashable, Sendable {
    /// In bytes.
    public let sizes: [Int64]

    public init(sizes: [Int64]) { self.sizes = sizes }

    public var count: Int { sizes.count }

    /// The bytes of a part. Nil when there is none of that number.
    public func range(of number: Int) -> Range<Int64>? {
        guard number >= 1, number <= sizes.count else { return nil }
        let start = sizes[..<(number - 1)].reduce(0, +)
        return start..<(start + sizes[number - 1])
    }

    /// Reads `text`. Nil for anything else.
    public init?(text: String) {
        var sizes: [Int64] = []
        for run in text.split(separator: ",", omittingEmptySubsequences: false) {
            let numbers = run.split(separator: "*", omittingEmptySubsequences: false).compactMap { Int64($0) }
            let count = numbers.count == 2 ? numbers[1] : 1
            guard numbers.count == run.count(where: { $0 == "*" }) + 1, numbers.count <= 2, numbers[0] >= 0,
                (1...10_000).contains(count)
            else { return nil }
            sizes += Array(repeating: numbers[0], count: Int(count))
            guard sizes.count <= 10_000 else { return nil }
        }
        self.sizes = sizes
    }

    /// `5242880*3,1000`: runs of equal sizes, as nearly all parts but the last have.
    public var text: String {
        var runs: [(size: Int64, count: Int)] = []
        for size in sizes {
            if let last = runs.last, last.size == size {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((size, 1))
            }
        }
        return runs.map { $0.count == 1 ? "\($0.size)" : "\($0.size)*\($0.count)" }.joined(separator: ",")
    }
}
