// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A worker's hold on a job: the lease, and whether it was taken away.
final class JobHold: Sendable {
    /// Why the job has to end before it is done.
    enum Release: Sendable { case cancelRequested, lost }

    private struct State {
        var release: Release?
        /// When the lease ends, by this machine's clock. Early: counted from before it was asked for.
        var end: ContinuousClock.Instant
    }

    let lease: JobLease
    private let store: any JobStore
    private let seconds: Int64
    private let state: Mutex<State>

    /// - Parameters:
    ///   - seconds: how long the lease is.
    ///   - start: when it was asked for.
    init(_ lease: JobLease, in store: any JobStore, forSeconds seconds: Int64, since start: ContinuousClock.Instant) {
        self.lease = lease
        self.store = store
        self.seconds = seconds
        self.state = Mutex(State(end: start + .seconds(seconds)))
    }

    /// Why the job has to end. Nil: it may go on.
    var release: Release? { state.withLock { $0.release } }

    /// Returns once the lease has run out by this machine's clock, which lets the job go; or when the task is cancelled. Renewals that
    /// fail, or hang, end here.
    func waitForEnd() async {
        while true {
            let end = state.withLock { $0.end }
            do { try await Task.sleep(until: end, clock: .continuous) } catch { return }
            let isOver = state.withLock { state in
                guard state.end <= ContinuousClock.now else { return false }
                state.release = state.release ?? .lost
                return true
            }
            if isOver { return }
        }
    }

    /// Prolongs the lease and writes down what there is to say.
    /// - Throws: `CancellationError` when the job has to end; what the database throws.
    func renew(report: JobReport, checkpoint: JSONText? = nil) async throws {
        guard release == nil else { throw CancellationError() }
        let start = ContinuousClock.now
        let renewal = try await store.renewJob(lease, forSeconds: seconds, report: report, checkpoint: checkpoint)
        try state.withLock { state in
            switch renewal {
            case .renewed: state.end = max(state.end, start + .seconds(seconds))
            case .cancelRequested: state.release = state.release ?? .cancelRequested
            case .lost: state.release = .lost
            }
            if state.release != nil { throw CancellationError() }
        }
    }
}
