// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// How listings compare and fold names, as `storage.search` and its sisters do.
enum ListingOrder {
    /// Ascending, what is NULL last, as Postgres sorts.
    static func precedes(_ a: Timestamp?, _ b: Timestamp?) -> Bool {
        switch (a, b) {
        case (let a?, let b?): a < b
        case (_?, nil): true
        case (nil, _): false
        }
    }

    static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

    /// `lower(text)` under C.UTF-8: one character becomes one character, so positions survive.
    static func folded(_ text: String) -> [Unicode.Scalar] {
        text.unicodeScalars.map { scalar in
            let lower = scalar.properties.lowercaseMapping.unicodeScalars
            return lower.count == 1 ? lower.first ?? scalar : scalar
        }
    }

    static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }
}
