// SPDX-License-Identifier: Apache-2.0

/// How often, and for how long, a request is tried again that failed for no reason of its own.
public struct RetryPolicy: Sendable {
    /// With the first one.
    public var attempts: Int
    /// The longest pause before the second attempt. It doubles with each further one; how much of it is waited is left to chance, so
    /// that those who failed together do not come back together.
    public var firstPause: Duration
    public var longestPause: Duration
    /// After so much time since the first attempt there is no further one.
    public var deadline: Duration

    public init(
        attempts: Int = 5, firstPause: Duration = .milliseconds(100), longestPause: Duration = .seconds(5),
        deadline: Duration = .seconds(60)
    ) {
        self.attempts = attempts
        self.firstPause = firstPause
        self.longestPause = longestPause
        self.deadline = deadline
    }

    /// - Parameter failures: how many attempts failed so far.
    func pause(after failures: Int) -> Duration {
        let longest = min(longestPause, firstPause * (1 << min(max(failures - 1, 0), 16)))
        return longest * Double.random(in: 0...1)
    }
}
