// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

/// The project itself. Pixault has no public interface for it; this one is Magpie's.
extension PixaultAPICall {
    func describe(_ id: BucketID, as caller: Caller) async throws -> Response {
        let (project, totals) = try await storage.projects.project(id, as: caller)
        return Self.json(
            JSONWriter.object { writer in
                writer.field("projectId", project.id.rawValue)
                writer.field("createdAt", project.createdAt)
                writer.field("plan", project.plan)
                writer.key("totals")
                writer.object { writer in
                    writer.field("objects", totals.objects)
                    writer.field("storageBytes", totals.bytes)
                }
            })
    }
}

extension JSONWriter {
    /// A plan with its limits; null where there is none.
    mutating func field(_ name: String, _ plan: Plan) {
        key(name)
        object { writer in
            writer.field("name", plan.name.rawValue)
            writer.field("storageBytes", plan.storageBytes)
            writer.field("bandwidthBytes", plan.bandwidthBytes)
            writer.field("projects", plan.projects.map { Int64($0) })
            writer.field("apiKeys", plan.keys.map { Int64($0) })
            writer.field("ownStorage", plan.allowsOwnStorage)
            writer.field("customDomain", plan.allowsCustomDomain)
            writer.field("overage", plan.allowsOverage)
        }
    }
}
