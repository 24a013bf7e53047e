// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    public func createProject(
        _ project: Project, isPublic: Bool, keys: [ProjectKey], ownedBy owner: AccountID?
    ) async throws -> Bool {
        let time = now()
        return try state.withLock { state in
            guard state.projects[project.id] == nil else { throw StorageError.bucketExists(project.id) }
            let isNew = state.buckets[project.id] == nil
            let isTaken = state.buckets.values.contains { $0.name == project.id.rawValue && $0.id != project.id }
            guard isNew ? !isTaken : owner == nil else { throw StorageError.bucketExists(project.id) }
            try state.requireNew(keys, openingBesides: project.id)
            if let owner {
                guard state.accounts[owner] != nil else {
                    throw StorageError(.relatedResourceMissing, "There is no such account")
                }
                state.memberships[project.id] = [owner: StoredMembership(role: .owner, since: project.createdAt)]
            }
            if isNew {
                state.buckets[project.id] = Bucket(
                    id: project.id, name: project.id.rawValue, isPublic: isPublic, createdAt: time, updatedAt: time)
            }
            state.projects[project.id] = project
            if let last = state.adoptObjects(after: nil, limit: 1000, in: project.id, at: time) {
                let payload = JSONWriter.object { $0.field("after", last.rawValue) }
                _ = state.enqueue(
                    NewJob(
                        .adoptObjects, bucket: project.id, payload: JSONText(trusted: payload), uniqueKey: "adopt:\(project.id)"),
                    at: time)
            }
            for key in keys { state.projectKeys[key.id] = key }
            state.report(.bucket(project.id))
            return isNew
        }
    }

    public func project(_ id: BucketID, facts: RequestFacts) async throws -> Project? { state.withLock { $0.projects[id] } }

    public func projects() async throws -> [Project] {
        state.withLock { state in state.projects.values.sorted { $0.id < $1.id } }
    }

    public func setPlan(_ plan: Plan.Name, of id: BucketID) async throws -> Bool {
        state.withLock { state in
            guard state.projects[id] != nil else { return false }
            state.projects[id]?.plan = Plan(plan)
            state.report(.bucket(id))
            return true
        }
    }

    public func deleteProject(_ id: BucketID) async throws {
        guard state.withLock({ $0.projects[id] != nil }) else { throw StorageError.bucketNotFound(id) }
        let service = Principal(role: Self.serviceRole, subject: nil, claims: .emptyObject, token: "")
        try await deleteBucket(id, as: Caller(principal: service, facts: RequestFacts(operation: .upkeep)))
    }

    public func requireMayChange(_ id: BucketID, as caller: Caller) async throws {
        try transaction(as: caller) { state, security in
            guard let bucket = state.buckets[id], security.sees(bucket) else { throw StorageError.bucketNotFound(id) }
            guard security.allows(.update, .bucket(bucket)) else {
                throw security.refused(.update, .bucket(bucket), "Access denied")
            }
        }
    }

    // MARK: Keys

    public func insertProjectKey(_ key: ProjectKey) async throws {
        try state.withLock { state in
            try state.requireNew([key])
            state.projectKeys[key.id] = key
        }
    }

    public func projectKey(_ digest: SecretDigest) async throws -> ProjectKey? {
        state.withLock { state in state.projectKeys.values.first { $0.digest == digest } }
    }

    public func projectKeys(of id: BucketID) async throws -> [ProjectKey] {
        state.withLock { state in
            state.projectKeys.values.filter { $0.projects.contains(id) }.sorted {
                $0.createdAt == $1.createdAt ? $0.id.rawValue < $1.id.rawValue : $0.createdAt > $1.createdAt
            }
        }
    }

    public func revokeProjectKey(_ name: String, of id: BucketID) async throws -> Bool {
        let time = now()
        return state.withLock { state in
            let found = state.projectKeys.values.first { key in
                (key.id.rawValue == name || key.clientID == name) && key.projects.contains(id) && key.revokedAt == nil
            }
            guard let found else { return false }
            state.projectKeys[found.id]?.revokedAt = time
            state.report(.projectKey(found.id))
            return true
        }
    }

    // MARK: Usage

    public func addUsage(_ usage: [DailyUsage]) async throws {
        state.withLock { state in
            for used in usage where state.projects[used.project] != nil {
                let none = DailyUsage(project: used.project, day: used.day, counts: UsageCounts())
                state.usage[used.project, default: [:]][used.day, default: none].counts += used.counts
            }
        }
    }

    public func recordStorage(on day: UsageDay) async throws {
        state.withLock { state in
            for id in state.projects.keys {
                let none = DailyUsage(project: id, day: day, counts: UsageCounts())
                state.usage[id, default: [:]][day, default: none].storageBytes = state.totals(of: id).bytes
            }
        }
    }

    public func usage(
        of id: BucketID, from first: UsageDay, through last: UsageDay
    ) async throws -> [DailyUsage] {
        state.withLock { state in
            (state.usage[id] ?? [:]).values.filter { first <= $0.day && $0.day <= last }.sorted { $0.day < $1.day }
        }
    }

    public func totals(of id: BucketID, facts: RequestFacts) async throws -> ProjectTotals {
        state.withLock { state in state.projects[id] == nil ? .none : state.totals(of: id) }
    }
}

extension InMemoryMetadataStore.State {
    /// What goes with the row of a project.
    mutating func removeProject(_ id: BucketID, at time: Timestamp) {
        guard projects.removeValue(forKey: id) != nil else { return }
        usage[id] = nil
        memberships[id] = nil
        assets = assets.filter { $0.value.address.bucket != id }
        assetFolders[id] = nil
        for key in projectKeys.values where key.projects.contains(id) {
            projectKeys[key.id]?.projects.removeAll { $0 == id }
            report(.projectKey(key.id))
        }
        for key in accessKeys.values where key.revokedAt == nil && key.opens(id) {
            accessKeys[key.id]?.revokedAt = time
            report(.accessKey(key.id))
        }
    }

    fileprivate func requireNew(_ keys: [ProjectKey], openingBesides id: BucketID? = nil) throws(StorageError) {
        for key in keys {
            let isKnown = projectKeys.values.contains { other in
                other.id == key.id || other.digest == key.digest || (key.clientID != nil && other.clientID == key.clientID)
            }
            if isKnown { throw StorageError(.invalidRequest, "There is a key of this id or secret") }
            guard key.projects.allSatisfy({ $0 == id || projects[$0] != nil }) else {
                throw StorageError(.bucketNotFound, "A project of the key does not exist")
            }
        }
    }

    fileprivate func totals(of id: BucketID) -> ProjectTotals {
        var totals = ProjectTotals.none
        for asset in assets.values where asset.address.bucket == id {
            totals.objects += 1
            totals.bytes += asset.facts.size
        }
        for (address, versions) in kept where address.bucket == id {
            for version in versions { totals.bytes += ObjectMetadata(parsing: version.record.metadata).size ?? 0 }
        }
        return totals
    }
}

extension StoredAccessKey {
    /// Whether its claims make it a key of this project.
    fileprivate func opens(_ project: BucketID) -> Bool {
        guard let claims = try? JSONSerialization.jsonObject(with: Data(self.claims.rawValue.utf8)) as? [String: Any] else {
            return false
        }
        return claims["role"] as? String == ProjectScope.role
            && (claims["projects"] as? [String])?.contains(project.rawValue) == true
    }
}
