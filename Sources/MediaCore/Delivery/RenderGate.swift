// SPDX-License-Identifier: Apache-2.0

import Metrics

/// Lets so many renderings run as there is processor for, has a few more wait in turn, and turns the rest away at once: a queue
/// that is longer than anybody's patience only makes everybody wait in vain.
final class RenderGate: Sendable {
    private let places: WorkPlaces
    private let refusal: String

    /// - Parameters:
    ///   - parallelism: how many run at a time.
    ///   - queue: how many wait at the most.
    ///   - wait: how long one waits at the most. Nil: as long as it takes.
    ///   - label: what its metrics begin with.
    ///   - refusal: what those are told who are turned away.
    init(
        parallelism: Int, queue: Int, wait: Duration? = nil, label: String = "magpie_render",
        refusal: String = "Too many images are being rendered, please retry in a moment"
    ) {
        self.refusal = refusal
        let queueLength = Gauge(label: "\(label)_queue_length")
        let runningNow = Gauge(label: "\(label)s_running")
        places = WorkPlaces(WorkPlaces.Rules(count: parallelism, queue: queue, wait: wait)) { load in
            queueLength.record(load.waiting)
            runningNow.record(load.running)
        }
    }

    /// How many wait now.
    var waitingCount: Int { places.waitingCount }

    /// Runs `body` when there is room for it.
    /// - Parameter bucket: whose work it is: nobody's goes before everybody else's.
    /// - Throws: what `body` throws; `StorageError` with `.overloaded`, at once, when too many wait already, and when the wait was too long;
    ///   `CancellationError` when cancelled while waiting.
    func run<Value: Sendable>(for bucket: BucketID? = nil, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await places.withPlace(for: WorkPlaces.Claim(owner: bucket?.rawValue), body)
        } catch is WorkPlaces.Full {
            throw StorageError(.overloaded, refusal, isRetryable: true)
        }
    }
}
