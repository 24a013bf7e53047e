// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import WireFormats

extension S3Call {
    /// What `x-amz-expiration` says of a current object: when the first lifecycle rule will remove it, and which one that is.
    func expiration(of record: ObjectRecord) async throws -> String? {
        try await expiration(of: record, ObjectMetadata(parsing: record.metadata))
    }

    func expiration(of record: ObjectRecord, _ details: @autoclosure () -> ObjectMetadata) async throws -> String? {
        let rules = try await storage.buckets.settings(of: record.address.bucket, facts: facts).lifecycle ?? []
        // Most buckets have none, and reading the metadata takes longer than all of this.
        guard !rules.isEmpty else { return nil }
        let details = details()
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
