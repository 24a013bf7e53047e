// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore
import WireFormats

/// What a project used, by day. Pixault has no public interface for it; this one is Magpie's.
extension PixaultAPICall {
    /// `?from=2026-11-01&to=2026-11-21`, in UTC: without them, the month until today.
    func usage(of id: BucketID, as caller: Caller) async throws -> Response {
        let query = try query()
        let today = UsageDay(.now())
        let last = try Self.day("to", in: query) ?? today
        let first = try Self.day("from", in: query) ?? last.startOfMonth
        guard first <= last else { throw PixaultProblem.invalid("from", "must not be later than to") }
        guard last.number - first.number < Projects.longestPeriod else {
            throw PixaultProblem.invalid("from", "must be less than \(Projects.longestPeriod) days before to")
        }
        let days = try await storage.projects.usage(of: id, from: first, through: last, as: caller)
        let (project, totals) = try await storage.projects.project(id, as: caller)
        var sum = UsageCounts()
        for day in days { sum += day.counts }
        return Self.json(
            JSONWriter.object { writer in
                writer.field("projectId", id.rawValue)
                writer.field("from", first.description)
                writer.field("to", last.description)
                writer.key("days")
                writer.array(days) { writer, day in
                    writer.object { writer in
                        writer.field("date", day.day.description)
                        writer.fields(of: day.counts)
                        // The snapshot of today may be older than the last write.
                        writer.field("storageBytes", day.day == today ? totals.bytes : day.storageBytes)
                    }
                }
                writer.key("totals")
                writer.object { writer in
                    writer.fields(of: sum)
                    writer.field("storageBytes", totals.bytes)
                }
                writer.field("plan", project.plan)
            })
    }

    private func query() throws -> QueryParameters {
        do {
            return try QueryParameters(
                parsing: target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.utf8.index(after: $0)...] })
        } catch {
            throw PixaultProblem.invalid("query", "can't be read")
        }
    }

    private static func day(_ name: String, in query: QueryParameters) throws -> UsageDay? {
        guard let text = query[name] else { return nil }
        guard let day = UsageDay(text) else { throw PixaultProblem.invalid(name, "must be a day such as 2026-11-21") }
        return day
    }
}

extension JSONWriter {
    fileprivate mutating func fields(of counts: UsageCounts) {
        field("requests", counts.requests)
        field("bandwidthBytes", counts.bandwidthBytes)
        field("transforms", counts.transforms)
    }
}
