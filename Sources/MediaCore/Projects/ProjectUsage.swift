// SPDX-License-Identifier: Apache-2.0

/// A day in UTC.
public struct UsageDay: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public let number: Int64

    public init(number: Int64) { self.number = number }

    /// The day of a moment.
    public init(_ time: Timestamp) {
        let seconds = time.seconds
        self.number = seconds >= 0 ? seconds / Self.seconds : (seconds - Self.seconds + 1) / Self.seconds
    }

    /// Reads `2026-11-21` (RFC 3339, `full-date`). Nil for anything else, and for a day that the calendar does not have.
    public init?(_ text: String) {
        guard text.utf8.count == 10, let time = Timestamp(iso8601: text + "T00:00:00Z") else { return nil }
        self.init(time)
        guard description == text else { return nil }
    }

    public var start: Timestamp { Timestamp(seconds: number * Self.seconds) }

    public func advanced(by days: Int64) -> UsageDay { UsageDay(number: number + days) }

    /// The first day of its month.
    public var startOfMonth: UsageDay { UsageDay(description.prefix(8) + "01") ?? self }

    public var description: String { String(start.iso8601.prefix(10)) }

    public static func < (a: UsageDay, b: UsageDay) -> Bool { a.number < b.number }

    private static let seconds: Int64 = 86_400
}

/// What was used in a while.
public struct UsageCounts: Hashable, Sendable {
    /// That succeeded.
    public var requests: Int64
    /// Bytes of images, originals and other answers that were sent.
    public var bandwidthBytes: Int64
    /// Images that were rendered; none for one that was there already.
    public var transforms: Int64

    public init(requests: Int64 = 0, bandwidthBytes: Int64 = 0, transforms: Int64 = 0) {
        self.requests = requests
        self.bandwidthBytes = bandwidthBytes
        self.transforms = transforms
    }

    public static func += (a: inout UsageCounts, b: UsageCounts) {
        a.requests += b.requests
        a.bandwidthBytes += b.bandwidthBytes
        a.transforms += b.transforms
    }
}

/// What a project used on a day: a row of `magpie.usage`.
public struct DailyUsage: Hashable, Sendable {
    public var project: BucketID
    public var day: UsageDay
    public var counts: UsageCounts
    /// The last snapshot of the day, in bytes.
    public var storageBytes: Int64

    public init(project: BucketID, day: UsageDay, counts: UsageCounts, storageBytes: Int64 = 0) {
        self.project = project
        self.day = day
        self.counts = counts
        self.storageBytes = storageBytes
    }
}
