// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Synchronization

/// Whose work tools run for, and how long they ran for it.
final class ToolAccount: Sendable {
    let claim: WorkPlaces.Claim
    private let allowance: Duration?
    private let spent = Mutex(Duration.zero)

    init(_ order: ConversionOrder = ConversionOrder()) {
        claim = WorkPlaces.Claim(owner: order.bucket?.rawValue, isPatient: order.isPatient)
        allowance = order.allowance
    }

    /// Runs `body` with the time that it has, and takes down what it took.
    /// - Parameter most: what it has at the most.
    /// - Throws: what `body` throws; `ConversionFailure` with `.timedOut` when there is nothing left.
    func timed<Value: Sendable>(_ most: Duration, _ body: (Duration) async throws -> Value) async throws -> Value {
        let left = allowance.map { allowance in allowance - spent.withLock { $0 } } ?? most
        guard left > .zero else { throw ToolEnd.timedOut }
        let start = ContinuousClock.now
        defer { spent.withLock { $0 += ContinuousClock.now - start } }
        return try await body(min(left, most))
    }
}
