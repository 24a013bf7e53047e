// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

extension S3Call {
    /// What `x-amz-expiration` says of a current object: when the first lifecycle rule will remove it, and which one that is.
    func expiration(of record: ObjectRecord) async throws -> String? {
        let details = ObjectMetadata(parsing: record.metadata)
        return try await expiration(of: record, details)
    }

    func expiration(of record: ObjectRecord, _ details: ObjectMetadata) async throws -> String? {
        let rules = try await storage.buckets.settings(of: record.address.bucket, facts: facts).lifecycle ?? []
        let modified = S3Representation(record: record, details: details).lastModified
        let due = rules.compactMap { rule in
            rule.expiry(of: record.address.key, details, modified: modified, day: configuration.lifecycleDay).map {
                ($0, rule.id)
            }
        }
        guard let (date, id) = due.min(by: { $0.0 < $1.0 }) else { return nil }
        return "expiry-date=\"\(date.httpDate)\", rule-id=\"\(PercentEncoding.encodeComponent(id))\""
    }
}
