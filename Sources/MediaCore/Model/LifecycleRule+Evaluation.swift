// SPDX-License-Identifier: Apache-2.0

/// How long a day of a lifecycle rule is.
public struct LifecycleDay: Hashable, Sendable {
    /// 24 hours: what is due goes at the midnight (UTC) that follows, as Amazon S3 does it.
    public static let calendar = LifecycleDay(seconds: 86_400)

    public let seconds: Int64

    /// Another length than `calendar`'s is for tests: what is due goes at once.
    public init(seconds: Int64) { self.seconds = max(1, seconds) }

    /// Whole seconds of it.
    public init(_ duration: Duration) { self.init(seconds: duration.components.seconds) }

    /// The moment `days` after `start`.
    public func end(of days: Int, after start: Timestamp) -> Timestamp {
        let (span, overflows) = Int64(days).multipliedReportingOverflow(by: seconds)
        guard !overflows, span < 1 << 40 else { return Timestamp(microseconds: .max) }
        let due = start.adding(seconds: span)
        guard self == .calendar, due.seconds % 86_400 != 0 || due.microseconds % 1_000_000 != 0 else { return due }
        return Timestamp(seconds: (due.seconds / 86_400 + 1) * 86_400)
    }
}

extension LifecycleRule.Filter {
    /// Whether an object is meant.
    public func matches(_ key: ObjectKey, _ details: ObjectMetadata) -> Bool {
        let size = details.size ?? 0
        return key.rawValue.utf8.starts(with: prefix.utf8) && (largerThan.map { size > $0 } ?? true)
            && (smallerThan.map { size < $0 } ?? true) && (tags.isEmpty || details.tags.contains(TagSet(stored: tags)))
    }
}

extension LifecycleRule {
    /// When a current object goes by this rule (what `x-amz-expiration` tells). Nil when it stays.
    public func expiry(of key: ObjectKey, _ details: ObjectMetadata, modified: Timestamp?, day: LifecycleDay) -> Timestamp? {
        guard isEnabled, filter.matches(key, details) else { return nil }
        switch expiration {
        case .days(let days): return modified.map { day.end(of: days, after: $0) }
        case .date(let seconds): return Timestamp(seconds: seconds)
        case .deleteMarkers, nil: return nil
        }
    }
}

/// The versions of one key, judged by rules.
struct LifecycleKey {
    /// From the newest to the oldest.
    let versions: [VersionEntry]

    /// What goes at `now`.
    func due(_ rules: [LifecycleRule], at now: Timestamp, day: LifecycleDay) -> [ObjectDeletion] {
        let rules = rules.filter(\.isEnabled)
        var deletions: [ObjectDeletion] = []
        var noncurrent = 0
        for (index, entry) in versions.enumerated() {
            let details = ObjectMetadata(parsing: entry.metadata)
            if entry.isLatest {
                let isDue = rules.contains { rule in
                    entry.isDeleteMarker
                        ? markerIsDue(entry, rule, at: now, day: day)
                        : rule.expiry(of: entry.key, details, modified: entry.lastModified, day: day).map { $0 <= now } ?? false
                }
                if isDue { deletions.append(deletion(of: entry, forGood: entry.isDeleteMarker)) }
                continue
            }
            let superseded = superseded(at: index)
            let isDue = rules.contains { rule in
                guard let expiration = rule.noncurrent, noncurrent >= expiration.kept, let superseded,
                    rule.filter.matches(entry.key, details)
                else { return false }
                return day.end(of: expiration.days, after: superseded) <= now
            }
            noncurrent += 1
            if isDue { deletions.append(deletion(of: entry, forGood: true)) }
        }
        // The oldest first: were it the other way round, the removal of a marker could bring an expired version back.
        return deletions.reversed()
    }

    /// When a version ceased to be current.
    ///
    /// A marker's row is as old as the marker. It ceases with what comes above it, which if it was moved there may look older than
    /// it is; but a marker has no bytes to lose.
    private func superseded(at index: Int) -> Timestamp? {
        let entry = versions[index]
        guard entry.isDeleteMarker, index > 0 else { return entry.supersededAt }
        return [entry.supersededAt, versions[index - 1].lastModified].compactMap { $0 }.max()
    }

    /// A marker that is all that is left of its key.
    private func markerIsDue(_ entry: VersionEntry, _ rule: LifecycleRule, at now: Timestamp, day: LifecycleDay) -> Bool {
        guard versions.count == 1, rule.filter.matches(entry.key, ObjectMetadata()) else { return false }
        switch rule.expiration {
        case .deleteMarkers: return true
        case .days(let days): return entry.lastModified.map { day.end(of: days, after: $0) <= now } ?? false
        case .date(let seconds): return Timestamp(seconds: seconds) <= now
        case nil: return false
        }
    }

    private func deletion(of entry: VersionEntry, forGood: Bool) -> ObjectDeletion {
        // An object that was replaced since it was judged is not the one meant. Nor is a `null` version: another write may have
        // become that.
        forGood
            ? ObjectDeletion(key: entry.key, version: entry.id, expected: entry.version)
            : ObjectDeletion(key: entry.key, condition: .ifMatch(ObjectMatch(version: entry.version)))
    }
}
