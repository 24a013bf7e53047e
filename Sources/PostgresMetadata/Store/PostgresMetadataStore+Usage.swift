// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// What projects used, as system.
extension PostgresMetadataStore {
    public func addUsage(_ usage: [DailyUsage]) async throws {
        func column(_ value: (DailyUsage) -> Int64) -> String? { Parameter.strings(usage.map { String(value($0)) }) }
        let add = Step.run(
            Self.addUsage, Parameter.strings(usage.map(\.project.rawValue)), Parameter.strings(usage.map(\.day.description)),
            column(\.counts.requests), column(\.counts.bandwidthBytes), column(\.counts.transforms))
        try await transaction([.scope(system(.upkeep)), add]) { _ in }
    }

    public func recordStorage(on day: UsageDay) async throws {
        try await transaction([.scope(system(.upkeep)), .run(Self.recordStorage, day.description)]) { _ in }
    }

    public func usage(
        of id: BucketID, from first: UsageDay, through last: UsageDay
    ) async throws -> [DailyUsage] {
        let read = Step.run(Self.readUsage, id.rawValue, first.description, last.description)
        return try await transaction([.scope(system(.upkeep)), read]) { results in
            try results[0].rows.map { row in
                DailyUsage(
                    project: id, day: UsageDay(number: try row.int64(0)),
                    counts: UsageCounts(
                        requests: try row.int64(1), bandwidthBytes: try row.int64(2), transforms: try row.int64(3)),
                    storageBytes: try row.int64(4))
            }
        }
    }

    public func totals(of id: BucketID, facts: RequestFacts) async throws -> ProjectTotals {
        try await transaction([.scope(system(facts)), .run(Self.readTotals, id.rawValue)]) {
            let row = try $0[0].onlyRow()
            return ProjectTotals(objects: try row.int64(0), bytes: try row.int64(1))
        }
    }
}

extension PostgresMetadataStore {
    // In one order, so that servers that add at the same time do not wait for each other in a circle.
    private static let addUsage = SQL(
        "usage_add",
        """
        INSERT INTO magpie.usage AS u (bucket_id, day, requests, bandwidth_bytes, transforms)
        SELECT d.bucket_id, d.day, sum(d.requests), sum(d.bandwidth_bytes), sum(d.transforms)
        FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[])
            AS d(bucket_id, day, requests, bandwidth_bytes, transforms)
        JOIN magpie.projects AS p ON p.bucket_id = d.bucket_id
        GROUP BY d.bucket_id, d.day
        ORDER BY d.bucket_id COLLATE "C", d.day
        ON CONFLICT (bucket_id, day) DO UPDATE
        SET requests = u.requests + excluded.requests, bandwidth_bytes = u.bandwidth_bytes + excluded.bandwidth_bytes,
            transforms = u.transforms + excluded.transforms
        """)

    private static let recordStorage = SQL(
        "usage_storage",
        """
        INSERT INTO magpie.usage AS u (bucket_id, day, storage_bytes)
        SELECT p.bucket_id, $1::date, coalesce(sum(t.bytes + t.kept_bytes), 0)
        FROM magpie.projects AS p
        LEFT JOIN magpie.project_totals AS t ON t.bucket_id = p.bucket_id
        GROUP BY p.bucket_id
        ORDER BY p.bucket_id COLLATE "C"
        ON CONFLICT (bucket_id, day) DO UPDATE SET storage_bytes = excluded.storage_bytes
        """)

    private static let readUsage = SQL(
        "usage_read",
        """
        SELECT u.day - date 'epoch', u.requests, u.bandwidth_bytes, u.transforms, u.storage_bytes
        FROM magpie.usage AS u
        WHERE u.bucket_id = $1 AND u.day BETWEEN $2::date AND $3::date
        ORDER BY u.day
        """)

    private static let readTotals = SQL(
        "project_totals",
        """
        SELECT coalesce(sum(t.objects), 0)::bigint, coalesce(sum(t.bytes + t.kept_bytes), 0)::bigint
        FROM magpie.project_totals AS t
        WHERE t.bucket_id = $1
        """)
}
