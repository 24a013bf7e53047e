// SPDX-License-Identifier: Apache-2.0

/// Conditions on a variant: on its own entity tag. The date of its object says nothing of what was made of it, with a preset that
/// changed or for a reader who accepts something else; it only keeps readers from what changed.
extension Preconditions {
    /// Whether the variant may be read at all. RFC 9110 §13.2.2.
    /// - Throws: `StorageError` with `.preconditionFailed`.
    func check(_ tag: String, modifiedAt modified: Timestamp?, of address: ObjectAddress) throws(StorageError) {
        if let ifMatch {
            let isNamed = EntityTag.list(ifMatch).contains { $0 == "*" || EntityTag.isStrong($0, sameAs: tag) }
            guard isNamed else { throw .preconditionFailed(address) }
        } else if let ifUnmodifiedSince, let modified {
            guard modified.seconds <= ifUnmodifiedSince.seconds else { throw .preconditionFailed(address) }
        }
    }

    /// Whether the reader has these bytes already. RFC 9110 §13.2.2: `If-None-Match`, where given, is the only one that counts.
    func saveTransfer(of tag: String) -> Bool { ifNoneMatch.map { EntityTag.matches($0, tag) } ?? false }

    /// Whether a range may be answered with a part. RFC 9110 §13.1.5.
    func allowRange(of tag: String) -> Bool {
        guard let ifRange else { return true }
        return EntityTag.isStrong(ifRange, sameAs: tag)
    }
}
