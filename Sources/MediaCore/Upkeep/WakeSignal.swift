// SPDX-License-Identifier: Apache-2.0

/// Wakes whoever works in the background. Any number of signals before it wakes count as one.
public struct WakeSignal: Sendable {
    let wakes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    public init() {
        (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    public func signal() { continuation.yield() }
}
