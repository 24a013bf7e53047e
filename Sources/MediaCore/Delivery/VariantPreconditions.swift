// SPDX-License-Identifier: Apache-2.0

/// Conditions on a variant: on its own entity tag, and the date of its object.
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
    func saveTransfer(of tag: String, modifiedAt modified: Timestamp?) -> Bool {
        if let ifNoneMatch { return EntityTag.matches(ifNoneMatch, tag) }
        if let ifModifiedSince, let modified { return modified.seconds <= ifModifiedSince.seconds }
        return false
    }

    /// Whether a range may be answered with a part. RFC 9110 §13.1.5. Never by a date: that of the object says nothing of what was
    /// made of it.
    func allowRange(of tag: String) -> Bool {
        guard let ifRange else { return true }
        return EntityTag.isStrong(ifRange, sameAs: tag)
    }
}
