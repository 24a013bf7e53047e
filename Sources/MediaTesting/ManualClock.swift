// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

/// A wall clock that moves only when a test says so.
public final class ManualClock: Sendable {
    private let time: Mutex<Timestamp>

    public init(_ start: Timestamp = Timestamp(seconds: 1_780_000_000)) { self.time = Mutex(start) }

    public func now() -> Timestamp { time.withLock { $0 } }

    public func advance(seconds: Int64) { time.withLock { $0 = $0.adding(seconds: seconds) } }

    public func advance(microseconds: Int64) {
        time.withLock { $0 = Timestamp(microseconds: $0.microseconds + microseconds) }
    }
}
