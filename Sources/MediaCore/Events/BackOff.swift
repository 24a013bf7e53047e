// SPDX-License-Identifier: Apache-2.0

/// How long to wait before trying again: twice as long after each failure up to a limit, and by chance up to a half less, so that what
/// failed together does not come back together.
public struct BackOff: Hashable, Sendable {
    /// In seconds, after the first failure.
    public var first: Int64
    /// In seconds.
    public var longest: Int64

    public init(first: Int64, longest: Int64) {
        self.first = first
        self.longest = longest
    }

    /// In seconds.
    /// - Parameter failures: how often it has failed, this time included.
    public func wait(after failures: Int, using generator: inout some RandomNumberGenerator) -> Int64 {
        let doublings = max(0, failures - 1)
        let (grown, overflows) = first.multipliedReportingOverflow(by: 1 << min(doublings, 40))
        let most = max(1, overflows ? longest : min(grown, longest))
        return Int64.random(in: (most + 1) / 2...most, using: &generator)
    }
}
