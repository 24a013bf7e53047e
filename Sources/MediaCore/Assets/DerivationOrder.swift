// SPDX-License-Identifier: Apache-2.0

/// The order of what was derived from one asset: by type, and within one by number, so that `page-2` comes before `page-10`.
public enum DerivationOrder {
    public static func precedes(_ a: Asset, _ b: Asset) -> Bool {
        let (first, second) = (parts(a.origin?.type ?? ""), parts(b.origin?.type ?? ""))
        return (first.name, first.number, a.id.rawValue) < (second.name, second.number, b.id.rawValue)
    }

    /// `page-10` as `page` and 10; `svg` as `svg` and 0.
    private static func parts(_ type: String) -> (name: String, number: Int) {
        guard let dash = type.lastIndex(of: "-"), let number = Int(type[type.index(after: dash)...]), number >= 0 else {
            return (type, 0)
        }
        return (String(type[..<dash]), number)
    }
}
