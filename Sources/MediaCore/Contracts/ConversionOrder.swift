// SPDX-License-Identifier: Apache-2.0

/// Whose work a conversion is, and how much of a hurry there is.
public struct ConversionOrder: Hashable, Sendable {
    /// Whose file it is: nobody's files keep those of others waiting.
    public var bucket: BucketID?
    /// Whether nobody waits for it. It comes behind all that somebody does wait for, and its own wait has no end.
    public var isPatient: Bool
    /// How long all tools together may run for it, their waits not counted; what the converter allows each of them where that is less.
    public var allowance: Duration?

    public init(bucket: BucketID? = nil, isPatient: Bool = false, allowance: Duration? = nil) {
        self.bucket = bucket
        self.isPatient = isPatient
        self.allowance = allowance
    }
}
