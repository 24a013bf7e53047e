// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaTesting
import Testing

@testable import MediaCore

struct LifecycleTests {
    // So long that no test takes a noticeable part of one.
    private static let day = LifecycleDay(seconds: 1000)
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func fixture(_ rules: [LifecycleRule], versioned: Bool) async throws -> CoreFixture {
        let fixture = try await CoreFixture()
        try await fixture.storage.buckets.changeSettings(
            of: fixture.bucket, BucketSettingsChanges(versioning: versioned ? .enabled : nil, lifecycle: rules),
            as: CoreFixture.service)
        return fixture
    }

    /// Applies the rules as if `days` of the rules had passed.
    @discardableResult
    private func apply(
        _ fixture: CoreFixture, afterDays days: Int64, uploads: (any IncompleteUploads)? = nil, longestUpload: Int64? = nil
    ) async throws -> Int {
        try await Lifecycle(
            storage: fixture.storage, metadata: fixture.metadata, service: CoreFixture.service.principal, uploads: uploads,
            day: Self.day, longestUpload: longestUpload, logger: Self.quiet
        ).apply(now: Timestamp.now().adding(seconds: days * 1000 + 1))
    }

    private func lines(_ fixture: CoreFixture) async throws -> [String] {
        try await fixture.storage.objects.versions(VersionQuery(), in: fixture.bucket, as: CoreFixture.service).items.map {
            item in
            guard case .version(let entry) = item else { return "?" }
            return entry.key.rawValue + (entry.isDeleteMarker ? " marker" : "") + (entry.isLatest ? " latest" : "")
        }
    }

    @Test func objectsGoAfterTheirDays() async throws {
        let rule = LifecycleRule(id: "1", filter: .init(prefix: "logs/"), expiration: .days(3))
        let fixture = try await fixture([rule], versioned: false)
        for key in ["logs/a", "logs/b", "other"] { try await fixture.put("x", at: key) }

        #expect(try await apply(fixture, afterDays: 2) == 0)
        #expect(try await apply(fixture, afterDays: 3) == 2)
        #expect(try await lines(fixture) == ["other latest"])
        try await fixture.upkeep.removeDeletedBlobs()
        #expect(try await fixture.blobCount() == 1)
    }

    @Test func aFilterAsksForTagsAndSizes() async throws {
        let filter = LifecycleRule.Filter(tags: ["keep": "no"], largerThan: 1, smallerThan: 4)
        let fixture = try await fixture([LifecycleRule(id: "1", filter: filter, expiration: .days(1))], versioned: false)
        var options = CoreFixture.options()
        options.tags = TagSet(stored: ["keep": "no", "more": "1"])
        for text in ["1", "12", "123", "1234"] { try await fixture.put(text, at: "tagged\(text)", options: options) }
        try await fixture.put("12", at: "untagged")

        try await apply(fixture, afterDays: 1)
        #expect(try await lines(fixture) == ["tagged1 latest", "tagged1234 latest", "untagged latest"])
    }

    @Test func rulesThatAreOffDoNothing() async throws {
        let fixture = try await fixture([LifecycleRule(id: "1", isEnabled: false, expiration: .days(1))], versioned: false)
        try await fixture.put("x", at: "a")
        #expect(try await apply(fixture, afterDays: 9) == 0)
    }

    @Test func aDateIsForEverythingFromThenOn() async throws {
        let date = Timestamp.now().seconds + 10_000
        let fixture = try await fixture([LifecycleRule(id: "1", expiration: .date(date))], versioned: false)
        try await fixture.put("x", at: "a")
        #expect(try await apply(fixture, afterDays: 5) == 0)
        #expect(try await apply(fixture, afterDays: 11) == 1)
    }

    @Test func inAVersionedBucketExpiryIsAMarker() async throws {
        let rules = [LifecycleRule(id: "1", expiration: .days(1))]
        let fixture = try await fixture(rules, versioned: true)
        try await fixture.put("x", at: "a")
        try await apply(fixture, afterDays: 1)

        #expect(try await lines(fixture) == ["a marker latest", "a"])
        #expect(await errorCode { _ = try await fixture.read("a") } == .objectNotFound)
    }

    @Test func whatIsNotCurrentGoesAfterItsDaysButForTheNewest() async throws {
        let rules = [LifecycleRule(id: "1", noncurrent: .init(days: 2, kept: 1))]
        let fixture = try await fixture(rules, versioned: true)
        for text in ["1", "2", "3", "4"] { try await fixture.put(text, at: "a", options: CoreFixture.options(.replace)) }

        #expect(try await apply(fixture, afterDays: 1) == 0)
        #expect(try await apply(fixture, afterDays: 2) == 2)
        #expect(try await lines(fixture) == ["a latest", "a"])
        #expect(try await fixture.read("a") == "4")
    }

    @Test func whatAnOldObjectWasMovedOverIsKeptForItsDays() throws {
        let rules = [LifecycleRule(id: "1", noncurrent: .init(days: 2))]
        let moved = Timestamp(seconds: 1_800_000_000)
        func entry(_ version: String, modified: Timestamp, superseded: Timestamp?) -> VersionEntry {
            let version = ObjectVersion(stored: version)
            return VersionEntry(
                key: ObjectKey(stored: "a"), id: .id(version), isLatest: superseded == nil, isDeleteMarker: false,
                version: version, lastModified: modified, metadata: nil, owner: nil, supersededAt: superseded)
        }
        let key = LifecycleKey(versions: [
            entry("2", modified: Timestamp(seconds: 1_000_000_000), superseded: nil),
            entry("1", modified: moved.adding(seconds: -5), superseded: moved),
        ])

        #expect(key.due(rules, at: moved.adding(seconds: 1500), day: Self.day).isEmpty)
        let due = key.due(rules, at: moved.adding(seconds: 4500), day: Self.day)
        #expect(due.map(\.version) == [.id(ObjectVersion(stored: "1"))])
    }

    @Test func aMarkerGoesOnceItIsAlone() async throws {
        let rules = [
            LifecycleRule(id: "1", expiration: .deleteMarkers), LifecycleRule(id: "2", noncurrent: .init(days: 1)),
        ]
        let fixture = try await fixture(rules, versioned: true)
        try await fixture.put("x", at: "a")
        try await fixture.storage.objects.delete(fixture.address("a"), as: CoreFixture.service)

        #expect(try await apply(fixture, afterDays: 0) == 0)
        try await apply(fixture, afterDays: 1)
        #expect(try await lines(fixture) == ["a marker latest"])
        try await apply(fixture, afterDays: 1)
        #expect(try await lines(fixture).isEmpty)
    }

    @Test(arguments: [false, true])
    func anObjectWrittenSinceTheListingIsNotTakenForTheOldNullVersion(isMarker: Bool) async throws {
        let rules = [
            LifecycleRule(id: "1", expiration: .deleteMarkers), LifecycleRule(id: "2", noncurrent: .init(days: 1)),
        ]
        let fixture = try await fixture(rules, versioned: false)
        try await fixture.put("old", at: "a")
        try await setVersioning(.enabled, fixture)
        if isMarker {
            try await setVersioning(.suspended, fixture)
            try await fixture.storage.objects.delete(fixture.address("a"), as: CoreFixture.service)
        } else {
            try await fixture.put("named", at: "a", options: CoreFixture.options(.replace))
            try await setVersioning(.suspended, fixture)
        }
        let page = try await fixture.storage.objects.versions(VersionQuery(), in: fixture.bucket, as: CoreFixture.service)
        let listed = page.items.compactMap { if case .version(let entry) = $0 { entry } else { nil } }
        let due = LifecycleKey(versions: listed).due(rules, at: Timestamp.now().adding(seconds: 10_000), day: Self.day)
        #expect(due.map(\.version) == [.null])

        try await fixture.put("new", at: "a", options: CoreFixture.options(.replace))
        _ = try await fixture.storage.objects.delete(due, in: fixture.bucket, as: CoreFixture.service)

        #expect(try await fixture.read("a") == "new")
    }

    @Test func aBucketThatFailsKeepsNoOtherWaiting() async throws {
        let uploads = RecordedUploads(failingFirst: SampleFailure())
        let fixture = try await fixtureWithTwoBuckets()

        #expect(try await apply(fixture, afterDays: 0, uploads: uploads) == 2)

        #expect(await uploads.calls.count == 2)
    }

    @Test func aCancelledRunEnds() async throws {
        let uploads = RecordedUploads(failingFirst: CancellationError())
        let fixture = try await fixtureWithTwoBuckets()

        await #expect(throws: CancellationError.self) { try await apply(fixture, afterDays: 0, uploads: uploads) }

        #expect(await uploads.calls.count == 1)
    }

    private func fixtureWithTwoBuckets() async throws -> CoreFixture {
        let rules = [LifecycleRule(id: "1", abortIncompleteAfter: 3)]
        let fixture = try await fixture(rules, versioned: false)
        let other = Bucket(id: BucketID(stored: "c"), name: "c")
        _ = try await fixture.storage.buckets.create(other, as: CoreFixture.service)
        try await fixture.storage.buckets.changeSettings(
            of: other.id, BucketSettingsChanges(lifecycle: rules), as: CoreFixture.service)
        return fixture
    }

    private func setVersioning(_ versioning: BucketVersioning, _ fixture: CoreFixture) async throws {
        try await fixture.storage.buckets.changeSettings(
            of: fixture.bucket, BucketSettingsChanges(versioning: versioning), as: CoreFixture.service)
    }

    @Test func uploadsInPartsAreGivenUp() async throws {
        let uploads = RecordedUploads()
        let rules = [
            LifecycleRule(id: "1", filter: .init(prefix: "big/"), abortIncompleteAfter: 3),
            LifecycleRule(id: "2", expiration: .days(1)),
        ]
        let fixture = try await fixture(rules, versioned: false)
        #expect(try await apply(fixture, afterDays: 0, uploads: uploads) == 2)

        let call = try #require(await uploads.calls.first)
        #expect(await uploads.calls.count == 1 && call.prefix == "big/")
        #expect(abs(Timestamp.now().seconds - 3000 - call.date.seconds) <= 500)
    }

    @Test func uploadsThatNoRuleSpeaksOfAreGivenUpInTheEnd() async throws {
        let rules = [
            LifecycleRule(id: "1", filter: .init(prefix: "short/"), abortIncompleteAfter: 1),
            LifecycleRule(id: "2", filter: .init(prefix: "long/"), abortIncompleteAfter: 100),
            LifecycleRule(id: "3", isEnabled: false, filter: .init(prefix: "off/"), abortIncompleteAfter: 100),
            LifecycleRule(id: "4", expiration: .days(1)),
        ]
        let fixture = try await fixture(rules, versioned: false)
        for key in ["short/a", "long/a", "off/a", "other"] { try await begin(key, fixture) }
        let uploads = fixture.storage.uploads

        #expect(try await apply(fixture, afterDays: 2, uploads: uploads, longestUpload: 5000) == 1)
        #expect(try await pending(fixture) == ["long/a", "off/a", "other"])
        #expect(try await apply(fixture, afterDays: 9, uploads: uploads) == 0)
        #expect(try await apply(fixture, afterDays: 9, uploads: uploads, longestUpload: 5000) == 2)
        #expect(try await pending(fixture) == ["long/a"])
        #expect(try await apply(fixture, afterDays: 101, uploads: uploads, longestUpload: 5000) == 1)
        #expect(fixture.memory.unfinishedCount == 0)
    }

    @Test func aBucketWithoutRulesGivesUploadsUpToo() async throws {
        let fixture = try await CoreFixture()
        try await begin("a", fixture)
        let uploads = fixture.storage.uploads

        #expect(try await apply(fixture, afterDays: 4, uploads: uploads, longestUpload: 5000) == 0)
        #expect(try await apply(fixture, afterDays: 5, uploads: uploads, longestUpload: 5000) == 1)
        #expect(try await pending(fixture).isEmpty)
    }

    private func begin(_ key: String, _ fixture: CoreFixture) async throws {
        _ = try await fixture.storage.uploads.begin(
            UploadBeginning(kind: .parts, options: CoreFixture.options(), expires: false), at: fixture.address(key),
            access: .policy(CoreFixture.service))
    }

    private func pending(_ fixture: CoreFixture) async throws -> [String] {
        try await fixture.storage.uploads.list(UploadQuery(bucket: fixture.bucket, kind: .parts), as: CoreFixture.service)
            .map(\.address.key.rawValue)
    }

    @Test func aDayOfTheCalendarEndsAtMidnight() throws {
        let start = try #require(Timestamp(iso8601: "2026-11-21T10:00:00.000Z"))
        #expect(LifecycleDay.calendar.end(of: 1, after: start).iso8601 == "2026-11-23T00:00:00.000Z")
        let midnight = try #require(Timestamp(iso8601: "2026-11-21T00:00:00.000Z"))
        #expect(LifecycleDay.calendar.end(of: 1, after: midnight).iso8601 == "2026-11-22T00:00:00.000Z")
        #expect(Self.day.end(of: 2, after: start) == start.adding(seconds: 2000))
        #expect(LifecycleDay.calendar.end(of: .max, after: start) > start)
    }

    @Test func prefixesInsideOthersAreLookedAtWithThem() {
        let rules = ["a/b", "b", "a", "", "c"].map { LifecycleRule(id: $0, filter: .init(prefix: $0), expiration: .days(1)) }
        #expect(Lifecycle.prefixes(of: rules) == [""])
        #expect(Lifecycle.prefixes(of: rules.filter { !$0.id.isEmpty }) == ["a", "b", "c"])
    }

    @Test(arguments: [
        [LifecycleRule(id: "1")], [LifecycleRule(id: "1", expiration: .days(0))],
        [LifecycleRule(id: "1", noncurrent: .init(days: 0))],
        [LifecycleRule(id: "1", filter: .init(tags: ["a": "1"]), abortIncompleteAfter: 1)],
        [LifecycleRule(id: "1", filter: .init(largerThan: 5, smallerThan: 5), expiration: .days(1))],
        [LifecycleRule(id: "1", expiration: .days(1)), LifecycleRule(id: "1", expiration: .days(2))],
        [LifecycleRule(id: String(repeating: "x", count: 256), expiration: .days(1))],
    ])
    func rulesThatMakeNoSenseAreRefused(rules: [LifecycleRule]) {
        #expect { try LifecycleRule.check(rules) } throws: { ($0 as? StorageError)?.code == .invalidRequest }
    }
}

private actor RecordedUploads: IncompleteUploads {
    var calls: [(prefix: String, date: Timestamp)] = []
    private var failure: (any Error)?

    init(failingFirst failure: (any Error)? = nil) { self.failure = failure }

    func giveUp(_ uploads: IncompleteUploadQuery) async throws -> Int {
        calls.append((uploads.prefix, uploads.date))
        if let failure = failure.take() { throw failure }
        return 2
    }
}
