// SPDX-License-Identifier: Apache-2.0

/// Where events go.
public protocol EventSink: Sendable {
    /// Hands an event over; returns once the receiver has confirmed it. It may be called again with an event that arrived.
    /// - Throws: `EventRefused`; `CancellationError`.
    func deliver(_ event: StorageEvent) async throws
}

/// Why an event did not get through. The text is stored and logged: it holds no secret, and nothing that the receiver wrote.
public struct EventRefused: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
