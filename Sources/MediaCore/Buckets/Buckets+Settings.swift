// SPDX-License-Identifier: Apache-2.0

extension Buckets {
    /// The settings of a bucket as the server itself needs them: to answer a preflight, which nobody signs, and to know whether
    /// versions have ids. Kept in memory while every change of them is reported.
    /// - Throws: `StorageError` with `.bucketNotFound`.
    public func settings(of id: BucketID, facts: RequestFacts) async throws -> BucketSettings {
        try await cache.bucketSettings.settings(of: id, in: metadata, facts: facts)
    }

    /// The settings of a bucket for somebody who sees it.
    /// - Throws: `StorageError` with `.bucketNotFound`, also when hidden.
    public func settings(of id: BucketID, as caller: Caller) async throws -> BucketSettings {
        _ = try await metadata.bucket(id, as: caller)
        return try await settings(of: id, facts: caller.facts)
    }

    /// Changes settings.
    /// - Throws: `StorageError` with `.bucketNotFound` when the bucket is missing, hidden or not the caller's to change;
    ///   `.invalidRequest` for rules that can't be stored, and for versioning to be switched off that was ever on.
    @discardableResult
    public func changeSettings(
        of id: BucketID, _ changes: BucketSettingsChanges, as caller: Caller
    ) async throws -> BucketSettings {
        if case .some(.some(let rules)) = changes.cors {
            guard rules.count <= CORSRule.maxRules else {
                throw StorageError(.invalidRequest, "There can be no more than \(CORSRule.maxRules) CORS rules")
            }
            for rule in rules { try rule.check() }
        }
        if case .some(.some(let rules)) = changes.lifecycle { try LifecycleRule.check(rules) }
        defer { cache.invalidate(id) }
        return try await runToEnd { try await metadata.updateBucketSettings(id, changes: changes, as: caller) }
    }

    /// The first rule of a bucket that allows a call from a page of `origin`. Nil when none does, or the bucket has no rules.
    /// - Throws: `StorageError` with `.bucketNotFound`.
    public func corsRule(
        of id: BucketID, origin: String, method: String, headers: [String] = [], facts: RequestFacts
    ) async throws -> CORSRule? {
        try await settings(of: id, facts: facts).cors?.first { $0.allows(origin: origin, method: method, headers: headers) }
    }

    /// Maps a canned ACL of S3 to the bucket's visibility.
    /// - Throws: as `update`.
    public func apply(_ acl: CannedACL, to id: BucketID, as caller: Caller) async throws {
        try await update(id, changes: BucketChanges(isPublic: acl == .publicRead), as: caller)
    }
}

/// The canned ACLs of S3 that a bucket here can have. Everything finer is the business of row-level security.
public enum CannedACL: String, Hashable, Sendable, CaseIterable {
    case `private`
    /// Anybody may read every object whose key they know.
    case publicRead = "public-read"

    /// - Throws: `StorageError` with `.unsupported` for one that grants what no bucket can.
    public init(_ text: String) throws(StorageError) {
        guard let acl = CannedACL(rawValue: text) else {
            throw StorageError(.unsupported, "Of the canned ACLs only private and public-read are supported", resource: text)
        }
        self = acl
    }
}
