// SPDX-License-Identifier: Apache-2.0

/// The id of an asset within its project: `img_`, `vid_` or `eps_` and a ULID, as `img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z`.
///
/// An asset that came in by the asset interface has its id for a key; one that came by another dialect has the key that it was given.
public struct AssetID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// What clients tell kinds of assets by. The check is case-sensitive.
    public enum Prefix: String, Sendable, CaseIterable {
        case image = "img_"
        case video = "vid_"
        case document = "eps_"
    }

    public let rawValue: String

    /// An id read from the database.
    public init(stored rawValue: String) { self.rawValue = rawValue }

    /// A fresh id. Ids sort by the time at which they were made.
    public init(_ prefix: Prefix, at now: Timestamp = .now()) {
        self.rawValue = prefix.rawValue + ULID(at: now).description
    }

    /// The id of what is derived from this asset in that way: always the same one, so that work that is done again replaces what it
    /// made before.
    ///
    /// Its time is the parent's; the rest is a digest of the parent and the derivation.
    public func derived(_ prefix: Prefix, as derivation: String) -> AssetID {
        AssetID(stored: prefix.rawValue + ULID(deriving: derivation, from: rawValue).description)
    }

    /// Whether text is an id and not a name: what begins with one of the prefixes.
    public static func isID(_ text: some StringProtocol) -> Bool {
        Prefix.allCases.contains { text.utf8.starts(with: $0.rawValue.utf8) }
    }

    public var description: String { rawValue }

    public static func < (a: AssetID, b: AssetID) -> Bool { a.rawValue.utf8.lexicographicallyPrecedes(b.rawValue.utf8) }
}
