// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Hashes passwords away from the threads that serve requests, a few at a time: each takes a processor and much memory for a while, which
/// is the point of it, and no reason to let strangers take all of them.
struct PasswordHasher: Sendable {
    /// What a comparison found.
    enum Verdict: Hashable { case wrong, right, rightAtAnotherCost }

    let cost: PasswordCost
    private let gate: RenderGate
    private let queue = DispatchQueue(label: "magpie.passwords", attributes: .concurrent)

    /// - Parameters:
    ///   - parallelism: how many are hashed at a time.
    ///   - queue: how many wait at the most.
    init(cost: PasswordCost, parallelism: Int, queue: Int = 64) {
        self.cost = cost
        self.gate = RenderGate(
            parallelism: parallelism, queue: queue, label: "magpie_password",
            refusal: "Too many are signing in, please retry in a moment")
    }

    /// - Throws: `StorageError` with `.overloaded` when too many wait; `CancellationError`.
    func hash(_ password: Password) async throws -> PasswordHash {
        let cost = cost
        return try await work { try PasswordHash(of: password, cost: cost) }
    }

    /// Takes as long without a hash, or without a password, as with them.
    /// - Throws: as `hash`.
    func verify(_ password: Password?, against hash: PasswordHash?) async throws -> Verdict {
        let known = hash ?? .ofNothing(cost: cost)
        let shown = password ?? .none
        let isRight = try await work { try known.matches(shown) }
        guard isRight, hash != nil, password != nil else { return .wrong }
        return known.cost == cost ? .right : .rightAtAnotherCost
    }

    private func work<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await gate.run {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Result { try body() }) }
            }
        }
    }
}

extension Password {
    /// Stands for one that can be nobody's.
    fileprivate static let none = Password(bytes: [])

    private init(bytes: [UInt8]) { self.bytes = bytes }
}
