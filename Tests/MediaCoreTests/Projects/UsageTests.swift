// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Synchronization
import Testing

@testable import MediaCore

struct UsageDayTests {
    @Test(arguments: ["1970-01-01", "2024-02-29", "2026-11-21", "9999-12-31"])
    func aDayReadsBackAsItIsWritten(_ text: String) throws {
        #expect(try #require(UsageDay(text)).description == text)
    }

    @Test(arguments: [
        "", "2026-02-29", "2026-13-01", "2026-1-1", "2026-11-21 ", "20261121", "2026-11-31", "２０２６-11-21", "-026-11-21",
    ])
    func whatIsNoDayIsNotRead(_ text: String) { #expect(UsageDay(text) == nil) }

    @Test func aDayEndsAtMidnightInUTC() throws {
        let day = try #require(UsageDay("2026-03-01"))
        #expect(UsageDay(day.start) == day)
        #expect(UsageDay(day.start.adding(seconds: 86_399)) == day)
        #expect(UsageDay(day.start.adding(seconds: -1)).description == "2026-02-28")
        #expect(day.advanced(by: 30).startOfMonth == day)
        #expect(UsageDay(Timestamp(seconds: -1)).description == "1969-12-31")
    }
}

struct UsageMeterTests {
    private static let shop = BucketID(stored: "shop")

    private static func store() async throws -> InMemoryMetadataStore {
        let store = InMemoryMetadataStore()
        let project = Project(id: shop, plan: Plan(.trial), createdAt: Timestamp(seconds: 0))
        _ = try await store.createProject(project, isPublic: true, keys: [])
        return store
    }

    @Test func whatIsCountedAddsUpOnceFlushed() async throws {
        let store = try await Self.store()
        let day = try #require(UsageDay("2026-03-01"))
        let meter = UsageMeter(now: { day.start })

        meter.answered(for: Self.shop, bytes: 10)
        meter.answered(for: Self.shop, bytes: 5)
        meter.rendered(for: Self.shop)
        meter.answered(for: BucketID(stored: "no project"), bytes: 7)
        try await meter.flush(to: store)
        try await meter.flush(to: store)
        meter.answered(for: Self.shop, bytes: 1)
        try await meter.flush(to: store)

        let used = try await store.usage(of: Self.shop, from: day, through: day)
        #expect(used.map(\.counts) == [UsageCounts(requests: 3, bandwidthBytes: 16, transforms: 1)])
    }

    @Test func everyDayGetsItsOwn() async throws {
        let store = try await Self.store()
        let day = try #require(UsageDay("2026-03-01"))
        let time = Mutex(day.start)
        let meter = UsageMeter(now: { time.withLock { $0 } })

        meter.answered(for: Self.shop, bytes: 1)
        time.withLock { $0 = day.advanced(by: 1).start }
        meter.answered(for: Self.shop, bytes: 2)
        try await meter.flush(to: store)

        let used = try await store.usage(of: Self.shop, from: day, through: day.advanced(by: 1))
        #expect(used.map(\.counts.bandwidthBytes) == [1, 2])
    }

    @Test func whatCouldNotBeAddedIsAddedLater() async throws {
        let store = try await Self.store()
        let day = try #require(UsageDay("2026-03-01"))
        let meter = UsageMeter(now: { day.start })
        meter.answered(for: Self.shop, bytes: 1)

        await #expect(throws: StorageError.self) { try await meter.flush(to: AbsentStore()) }
        meter.answered(for: Self.shop, bytes: 2)
        try await meter.flush(to: store)

        let used = try await store.usage(of: Self.shop, from: day, through: day)
        #expect(used.map(\.counts) == [UsageCounts(requests: 2, bandwidthBytes: 3)])
    }
}

/// A database that is away.
private struct AbsentStore: ProjectStore {
    private var failure: StorageError { StorageError(.databaseFailure, "away") }

    func createProject(_ project: Project, isPublic: Bool, keys: [ProjectKey], ownedBy owner: AccountID?) async throws -> Bool {
        throw failure
    }
    func project(_ id: BucketID, facts: RequestFacts) async throws -> Project? { throw failure }
    func projects() async throws -> [Project] { throw failure }
    func setPlan(_ plan: Plan.Name, of id: BucketID) async throws -> Bool { throw failure }
    func deleteProject(_ id: BucketID) async throws { throw failure }
    func requireMayChange(_ id: BucketID, as caller: Caller) async throws { throw failure }
    func insertProjectKey(_ key: ProjectKey) async throws { throw failure }
    func projectKey(_ digest: SecretDigest) async throws -> ProjectKey? { throw failure }
    func projectKeys(of id: BucketID) async throws -> [ProjectKey] { throw failure }
    func revokeProjectKey(_ name: String, of id: BucketID) async throws -> Bool { throw failure }
    func addUsage(_ usage: [DailyUsage]) async throws { throw failure }
    func recordStorage(on day: UsageDay) async throws { throw failure }
    func usage(of id: BucketID, from first: UsageDay, through last: UsageDay) async throws -> [DailyUsage] { throw failure }
    func totals(of id: BucketID, facts: RequestFacts) async throws -> ProjectTotals { throw failure }
}
