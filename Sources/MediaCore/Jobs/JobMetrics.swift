// SPDX-License-Identifier: Apache-2.0

import Metrics
import Synchronization

/// What is counted of jobs.
final class JobMetrics: Sendable {
    /// How an attempt ended.
    enum Outcome: String, CaseIterable {
        case completed, completedWithErrors = "completed_with_errors", failed, cancelled, retried, released, lost

        init(_ ending: JobEnding?, _ status: JobStatus?) {
            switch status {
            case .completed: self = .completed
            case .completedWithErrors: self = .completedWithErrors
            case .failed: self = .failed
            case .cancelled: self = .cancelled
            case .pending, .discovering, .running: self = ending == .released ? .released : .retried
            case nil: self = .lost
            }
        }
    }

    private struct Meters {
        let outcomes: [Outcome: Counter]
        let duration: Timer

        init(_ kind: JobKind) {
            outcomes = Dictionary(
                uniqueKeysWithValues: Outcome.allCases.map {
                    ($0, Counter(label: "magpie_jobs_ended_total", dimensions: [("kind", "\(kind)"), ("outcome", $0.rawValue)]))
                })
            duration = Timer(label: "magpie_job_duration_seconds", dimensions: [("kind", "\(kind)")])
        }
    }

    private let meters: [JobKind: Meters]
    /// The kinds whose numbers were shown and have to be taken back when there are none left.
    private let shown = Mutex<Set<JobKind>>([])

    init(kinds: [JobKind]) {
        meters = Dictionary(uniqueKeysWithValues: kinds.map { ($0, Meters($0)) })
        shown.withLock { $0 = Set(kinds) }
    }

    /// An attempt ended.
    func ended(_ outcome: Outcome, kind: JobKind, after duration: Duration) {
        meters[kind]?.outcomes[outcome]?.increment()
        let (seconds, attoseconds) = duration.components
        meters[kind]?.duration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// What the queue holds, whoever runs it.
    func record(_ counts: [JobCount]) {
        let known = Dictionary(uniqueKeysWithValues: counts.map { ($0.kind, $0) })
        let kinds = shown.withLock { shown in
            shown.formUnion(known.keys)
            return shown
        }
        for kind in kinds {
            Gauge(label: "magpie_jobs_pending", dimensions: [("kind", "\(kind)")]).record(known[kind]?.pending ?? 0)
            Gauge(label: "magpie_jobs_running", dimensions: [("kind", "\(kind)")]).record(known[kind]?.running ?? 0)
        }
    }
}
