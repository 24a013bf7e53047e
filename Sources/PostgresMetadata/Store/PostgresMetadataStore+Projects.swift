// SPDX-License-Identifier: Apache-2.0

import Foundation
public import MediaCore

/// Projects and their keys, as system.
extension PostgresMetadataStore {
    public func createProject(
        _ project: Project, isPublic: Bool, keys: [ProjectKey], ownedBy owner: AccountID?
    ) async throws -> Bool {
        let id = project.id.rawValue
        var steps: [Step] = [
            .scope(system(.upkeep)),
            .run(owner == nil ? Self.makeBucket : Self.makeNewBucket, id, Parameter.bool(isPublic)),
            .run(
                Self.insertProject, id, project.plan.name.rawValue, project.owner, Parameter.timestamp(project.createdAt)),
        ]
        for key in keys { steps += Self.insertion(of: key) }
        if let owner { steps.append(Self.insertion(of: owner, to: project.id, as: .owner, at: project.createdAt)) }
        return try await reportingKeys {
            try await transaction(steps, about: .bucket(project.id)) { try $0[0].optionalRow() != nil }
        }
    }

    public func project(_ id: BucketID, facts: RequestFacts) async throws -> Project? {
        try await transaction([.scope(system(facts)), .run(Self.readProject, id.rawValue)]) {
            try $0[0].optionalRow().map { try Project($0) }
        }
    }

    public func projects() async throws -> [Project] {
        try await transaction([.scope(system(.upkeep)), .run(Self.listProjects)]) {
            try $0[0].rows.map { try Project($0) }
        }
    }

    public func setPlan(_ plan: Plan.Name, of id: BucketID) async throws -> Bool {
        try await transaction([.scope(system(.upkeep)), .run(Self.updatePlan, id.rawValue, plan.rawValue)]) {
            try $0[0].optionalRow() != nil
        }
    }

    public func deleteProject(_ id: BucketID) async throws {
        let steps: [Step] = [.scope(system(.upkeep)), .run(Self.deleteProject, id.rawValue)]
        let isDeleted = try await transaction(steps, about: .bucket(id)) { try $0[0].optionalRow() != nil }
        guard isDeleted else { throw StorageError.bucketNotFound(id) }
    }

    public func requireMayChange(_ id: BucketID, as caller: Caller) async throws {
        // Postgres lets only those lock a row whom the policies let update it.
        let steps: [Step] = [.scope(scope(caller)), .run(Self.lockBucket, id.rawValue), .run(Self.findBucket, id.rawValue)]
        let (mayChange, sees) = try await transaction(steps, ending: .rollback, about: .bucket(id)) {
            (try $0[0].optionalRow() != nil, try $0[1].optionalRow() != nil)
        }
        guard sees || mayChange else { throw StorageError.bucketNotFound(id) }
        guard mayChange else {
            throw StorageError(.accessDenied, "Access denied", resource: id.rawValue).refused(.update, on: .buckets, caller)
        }
    }

    // MARK: Keys

    public func insertProjectKey(_ key: ProjectKey) async throws {
        try await reportingKeys {
            try await transaction([.scope(system(.upkeep))] + Self.insertion(of: key)) { _ in }
        }
    }

    public func projectKey(_ digest: SecretDigest) async throws -> ProjectKey? {
        let read = Step.run(Self.readKey, Self.base64(digest))
        return try await transaction([.scope(system(.upkeep)), read]) { try $0[0].optionalRow().map { try ProjectKey($0) } }
    }

    public func projectKeys(of id: BucketID) async throws -> [ProjectKey] {
        try await transaction([.scope(system(.upkeep)), .run(Self.listKeys, id.rawValue)]) {
            try $0[0].rows.map { try ProjectKey($0) }
        }
    }

    public func revokeProjectKey(_ name: String, of id: BucketID) async throws -> Bool {
        try await transaction([.scope(system(.upkeep)), .run(Self.revokeKey, name, id.rawValue)]) {
            try $0[0].optionalRow() != nil
        }
    }

    private static func insertion(of key: ProjectKey) -> [Step] {
        [
            .run(
                insertKey, key.id.rawValue, key.kind.rawValue, key.clientID, base64(key.digest), key.description,
                Parameter.timestamp(key.createdAt), Parameter.strings(key.scopes?.map(\.rawValue)),
                Parameter.timestamp(key.expiresAt)),
            .run(insertScope, key.id.rawValue, Parameter.strings(key.projects.map(\.rawValue))),
        ]
    }

    private static func base64(_ digest: SecretDigest) -> String { Data(digest.bytes).base64EncodedString() }

    /// Says what is wrong with a key that the tables refuse.
    private func reportingKeys<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as StorageError {
            guard let cause = error.cause as? PostgresError else { throw error }
            switch (cause.sqlState, cause.table) {
            case (.uniqueViolation, "api_keys"):
                throw StorageError(.invalidRequest, "There is a key of this id or secret", cause: cause)
            case (.foreignKeyViolation, "api_key_projects"):
                throw StorageError(.bucketNotFound, "A project of the key does not exist", cause: cause)
            case (.foreignKeyViolation, "memberships"):
                throw StorageError(.relatedResourceMissing, "There is no such account", cause: cause)
            default: throw error
            }
        }
    }
}

extension Project {
    static let columns = "p.bucket_id, p.plan, p.owner, (extract(epoch FROM p.created_at) * 1000000)::bigint"
    static let columnCount = 4

    init(_ row: Row) throws {
        let name = try row.string(1)
        guard let plan = Plan.Name(rawValue: name) else {
            throw StorageError(.notConfigured, "This version does not know the project's plan", resource: name)
        }
        self.init(
            id: BucketID(stored: try row.string(0)), plan: Plan(plan), owner: try row.optionalString(2),
            createdAt: try row.timestamp(3))
    }
}

extension ProjectKey {
    fileprivate init(_ row: Row) throws(PostgresError) {
        guard let kind = Kind(rawValue: try row.string(1)), let bytes = Data(base64Encoded: try row.string(3)),
            let digest = SecretDigest(stored: Array(bytes))
        else { throw PostgresError(.unexpectedResult, "a key of projects can't be read") }
        self.init(
            id: ProjectKeyID(stored: try row.string(0)), kind: kind, clientID: try row.optionalString(2), digest: digest,
            projects: try row.strings(4).map { BucketID(stored: $0) },
            scopes: try row.optionalStrings(8)?.map { KeyScope(stored: $0) }, description: try row.string(5),
            createdAt: try row.timestamp(6), expiresAt: try row.optionalTimestamp(9), revokedAt: try row.optionalTimestamp(7))
    }
}

extension PostgresMetadataStore {
    private static let makeBucket = SQL(
        "project_bucket",
        """
        INSERT INTO storage.buckets (id, name, public) VALUES ($1, $1, $2::boolean)
        ON CONFLICT (id) DO NOTHING
        RETURNING id
        """)
    private static let makeNewBucket = SQL(
        "project_new_bucket",
        "INSERT INTO storage.buckets (id, name, public) VALUES ($1, $1, $2::boolean) RETURNING id")
    private static let lockBucket = SQL(
        "project_lock", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1 FOR KEY SHARE")
    private static let findBucket = SQL("project_find", "SELECT b.id FROM storage.buckets AS b WHERE b.id = $1")
    private static let insertProject = SQL(
        "project_insert",
        """
        INSERT INTO magpie.projects (bucket_id, plan, owner, created_at)
        VALUES ($1, $2, $3, timestamptz 'epoch' + $4::bigint * interval '1 microsecond')
        """)

    private static let readProject = SQL(
        "project_read", "SELECT \(Project.columns) FROM magpie.projects AS p WHERE p.bucket_id = $1")
    private static let listProjects = SQL(
        "projects_list", "SELECT \(Project.columns) FROM magpie.projects AS p ORDER BY p.bucket_id COLLATE \"C\"")
    private static let updatePlan = SQL(
        "project_plan", "UPDATE magpie.projects AS p SET plan = $2 WHERE p.bucket_id = $1 RETURNING p.bucket_id")
    private static let deleteProject = SQL(
        "project_delete",
        """
        DELETE FROM storage.buckets AS b
        WHERE b.id = $1 AND EXISTS (SELECT FROM magpie.projects AS p WHERE p.bucket_id = b.id)
        RETURNING b.id
        """)

    private static let insertKey = SQL(
        "project_key_insert",
        """
        INSERT INTO magpie.api_keys (id, kind, client_id, digest, description, created_at, scopes, expires_at)
        VALUES ($1::uuid, $2, $3, decode($4, 'base64'), $5, timestamptz 'epoch' + $6::bigint * interval '1 microsecond',
            $7::text[], timestamptz 'epoch' + $8::bigint * interval '1 microsecond')
        """)
    private static let insertScope = SQL(
        "project_key_scope",
        "INSERT INTO magpie.api_key_projects (key_id, bucket_id) SELECT $1::uuid, p FROM unnest($2::text[]) AS p")

    private static let keyColumns = """
        k.id, k.kind, k.client_id, encode(k.digest, 'base64'), \
        ARRAY(SELECT s.bucket_id FROM magpie.api_key_projects AS s WHERE s.key_id = k.id), k.description, \
        (extract(epoch FROM k.created_at) * 1000000)::bigint, (extract(epoch FROM k.revoked_at) * 1000000)::bigint, \
        k.scopes, (extract(epoch FROM k.expires_at) * 1000000)::bigint
        """
    private static let readKey = SQL(
        "project_key_read", "SELECT \(keyColumns) FROM magpie.api_keys AS k WHERE k.digest = decode($1, 'base64')")
    private static let listKeys = SQL(
        "project_keys_list",
        """
        SELECT \(keyColumns)
        FROM magpie.api_key_projects AS s
        JOIN magpie.api_keys AS k ON k.id = s.key_id
        WHERE s.bucket_id = $1
        ORDER BY k.created_at DESC, k.id
        """)
    private static let revokeKey = SQL(
        "project_key_revoke",
        """
        UPDATE magpie.api_keys AS k SET revoked_at = now()
        FROM magpie.api_key_projects AS s
        WHERE s.key_id = k.id AND s.bucket_id = $2 AND (k.id::text = $1 OR k.client_id = $1) AND k.revoked_at IS NULL
        RETURNING k.id
        """)
}
