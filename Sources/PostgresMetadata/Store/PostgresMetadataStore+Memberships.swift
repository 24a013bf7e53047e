// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// What accounts are in projects, as system.
extension PostgresMetadataStore {
    public func role(of account: AccountID, in project: BucketID) async throws -> ProjectRole? {
        try await transaction([.scope(system(.upkeep)), .run(Self.readRole, account.rawValue, project.rawValue)]) {
            try $0[0].optionalRow().map { try ProjectRole(stored: $0.string(0)) }
        }
    }

    public func memberships(of account: AccountID) async throws -> [(project: Project, role: ProjectRole)] {
        try await transaction([.scope(system(.upkeep)), .run(Self.listMemberships, account.rawValue)]) {
            try $0[0].rows.map { (try Project($0), try ProjectRole(stored: $0.string(Project.columnCount))) }
        }
    }

    public func members(of project: BucketID) async throws -> [ProjectMember] {
        try await transaction([.scope(system(.upkeep)), .run(Self.listMembers, project.rawValue)]) {
            try $0[0].rows.map { row in
                ProjectMember(
                    account: try Account(row), role: try ProjectRole(stored: row.string(Account.columnCount)),
                    since: try row.timestamp(Account.columnCount + 1))
            }
        }
    }

    public func addMember(
        _ account: AccountID, to project: BucketID, as role: ProjectRole, at time: Timestamp
    ) async throws -> Bool {
        do {
            return try await transaction([
                .scope(system(.upkeep)), Self.insertion(of: account, to: project, as: role, at: time),
            ]) { try $0[0].optionalRow() != nil }
        } catch let error as StorageError where error.code == .relatedResourceMissing {
            throw StorageError(.bucketNotFound, "There is no such project or account", resource: project.rawValue, cause: error)
        }
    }

    static func insertion(of account: AccountID, to project: BucketID, as role: ProjectRole, at time: Timestamp) -> Step {
        .run(insertMember, account.rawValue, project.rawValue, role.rawValue, Parameter.timestamp(time))
    }

    public func changeMember(
        _ account: AccountID, of project: BucketID, to role: ProjectRole
    ) async throws -> MembershipChange {
        try await changeMembers(
            account, of: project, .run(Self.updateMember, account.rawValue, project.rawValue, role.rawValue))
    }

    public func removeMember(_ account: AccountID, from project: BucketID) async throws -> MembershipChange {
        try await changeMembers(account, of: project, .run(Self.deleteMember, account.rawValue, project.rawValue))
    }

    /// One at a time in a project, or two owners could go, each because the other one stays.
    private func changeMembers(_ account: AccountID, of project: BucketID, _ write: Step) async throws -> MembershipChange {
        let steps: [Step] = [
            .scope(lockingSystem(.upkeep)), .run(Self.lockProject, project.rawValue), write,
            .run(Self.readRole, account.rawValue, project.rawValue),
        ]
        return try await transaction(steps) { results in
            if try results[1].optionalRow() != nil { return .done }
            return try results[2].optionalRow() == nil ? .noMember : .lastOwner
        }
    }
}

extension ProjectRole {
    fileprivate init(stored text: String) throws(PostgresError) {
        guard let role = ProjectRole(rawValue: text) else {
            throw PostgresError(.unexpectedResult, "a membership can't be read")
        }
        self = role
    }
}

extension PostgresMetadataStore {
    private static let readRole = SQL(
        "member_role", "SELECT m.role FROM magpie.memberships AS m WHERE m.account_id = $1::uuid AND m.bucket_id = $2")

    private static let listMemberships = SQL(
        "memberships_list",
        """
        SELECT \(Project.columns), m.role
        FROM magpie.memberships AS m
        JOIN magpie.projects AS p ON p.bucket_id = m.bucket_id
        WHERE m.account_id = $1::uuid
        ORDER BY p.bucket_id COLLATE "C"
        """)

    private static let listMembers = SQL(
        "members_list",
        """
        SELECT \(Account.columns), m.role, (extract(epoch FROM m.created_at) * 1000000)::bigint
        FROM magpie.memberships AS m
        JOIN magpie.accounts AS a ON a.id = m.account_id
        WHERE m.bucket_id = $1
        ORDER BY m.role <> 'owner', a.email COLLATE "C"
        """)

    private static let insertMember = SQL(
        "member_insert",
        """
        INSERT INTO magpie.memberships (account_id, bucket_id, role, created_at)
        VALUES ($1::uuid, $2, $3, timestamptz 'epoch' + $4::bigint * interval '1 microsecond')
        ON CONFLICT (account_id, bucket_id) DO NOTHING
        RETURNING account_id
        """)

    private static let lockProject = SQL(
        "members_lock", "SELECT p.bucket_id FROM magpie.projects AS p WHERE p.bucket_id = $1 FOR NO KEY UPDATE")

    // An owner who can't sign in owns nothing that anybody else can be given.
    private static let isNotLastOwner = """
        (m.role <> 'owner' OR EXISTS (
            SELECT FROM magpie.memberships AS o
            JOIN magpie.accounts AS a ON a.id = o.account_id
            WHERE o.bucket_id = m.bucket_id AND o.role = 'owner' AND o.account_id <> m.account_id AND a.disabled_at IS NULL
        ))
        """

    private static let updateMember = SQL(
        "member_update",
        """
        UPDATE magpie.memberships AS m SET role = $3
        WHERE m.account_id = $1::uuid AND m.bucket_id = $2 AND ($3 = 'owner' OR \(isNotLastOwner))
        RETURNING m.account_id
        """)
    private static let deleteMember = SQL(
        "member_delete",
        """
        DELETE FROM magpie.memberships AS m
        WHERE m.account_id = $1::uuid AND m.bucket_id = $2 AND \(isNotLastOwner)
        RETURNING m.account_id
        """)
}
