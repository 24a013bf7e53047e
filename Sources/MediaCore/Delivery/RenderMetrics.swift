// SPDX-License-Identifier: Apache-2.0

import Metrics
import NIOCore

/// What is counted of variants.
struct RenderMetrics: Sendable {
    /// Where a variant came from.
    enum Origin: String, CaseIterable { case memory, disk, rendered, notModified = "not_modified" }

    /// How a rendering ended.
    enum Outcome: String, CaseIterable {
        case done, overloaded, unreadable, tooLarge = "too_large", timedOut = "timed_out", cancelled, failed
    }

    private let origins = Self.counters("magpie_variants_total", "origin", Origin.allCases)
    private let outcomes = Self.counters("magpie_renders_total", "outcome", Outcome.allCases)
    private let duration = Timer(label: "magpie_render_duration_seconds")
    private let keptBytes = Gauge(label: "magpie_variant_cache_bytes")
    private let notKept = Counter(label: "magpie_variants_not_kept_total")

    func delivered(from origin: Origin) { origins[origin.rawValue]?.increment() }

    /// A rendering that began at `start` ended: the wait for its turn is not part of it.
    func rendered(since start: NIODeadline) { duration.recordNanoseconds((NIODeadline.now() - start).nanoseconds) }

    func ended(_ outcome: Outcome) { outcomes[outcome.rawValue]?.increment() }

    func ended(with error: any Error) { ended(Outcome(error)) }

    /// What the store takes of the disk.
    func keeps(bytes: Int64) { keptBytes.record(bytes) }

    /// A variant was delivered, and could not be kept.
    func failedToKeep() { notKept.increment() }

    private static func counters<Label: RawRepresentable<String>>(
        _ name: String, _ dimension: String, _ labels: [Label]
    ) -> [String: Counter] {
        Dictionary(
            uniqueKeysWithValues: labels.map { ($0.rawValue, Counter(label: name, dimensions: [(dimension, $0.rawValue)])) })
    }
}

extension RenderMetrics.Outcome {
    fileprivate init(_ error: any Error) {
        guard let error = error as? StorageError else {
            self = error is CancellationError ? .cancelled : .failed
            return
        }
        switch error.code {
        case .overloaded: self = .overloaded
        case .unreadableImage: self = .unreadable
        case .imageTooLarge: self = .tooLarge
        case .renderTimedOut, .timedOut: self = .timedOut
        default: self = .failed
        }
    }
}
