// SPDX-License-Identifier: Apache-2.0

/// Projects, their keys and what they used: tables that nobody but the service reads. Who may ask for what of them is decided before.
public protocol ProjectStore: Sendable {
    // MARK: Projects

    /// Makes a project, with a bucket of its id unless there is one, which then stays as it is, and its keys: all or nothing.
    /// - Parameters:
    ///   - isPublic: of a bucket that is made.
    ///   - owner: becomes its owner. A bucket that is there is not theirs to take then. Nil: it has none for now.
    /// - Returns: whether the bucket was made.
    /// - Throws: `.bucketExists` when it is a project already, or a bucket that is not to be taken; `.invalidRequest` for a key that is
    ///   known already; `.relatedResourceMissing` when there is no such account.
    func createProject(_ project: Project, isPublic: Bool, keys: [ProjectKey], ownedBy owner: AccountID?) async throws -> Bool

    /// Nil when the bucket is missing or no project. - Throws: `.notConfigured` for a plan that this version does not know.
    func project(_ id: BucketID, facts: RequestFacts) async throws -> Project?

    /// All, in byte order of their ids. - Throws: as `project`.
    func projects() async throws -> [Project]

    /// - Returns: false when there is no such project.
    func setPlan(_ plan: Plan.Name, of id: BucketID) async throws -> Bool

    /// Deletes a project with its bucket. Keys that open no other project open nothing from then on.
    /// - Throws: `.bucketNotFound` when there is no such project; `.bucketNotEmpty`; `.bucketReferenced` as `deleteBucket`.
    func deleteProject(_ id: BucketID) async throws

    /// Whether a caller may change a bucket, and so may know what only those know who run it. Nothing is changed.
    /// - Throws: `.bucketNotFound` when the caller does not see it; `.accessDenied` with a refusal when it may not update it.
    func requireMayChange(_ id: BucketID, as caller: Caller) async throws

    // MARK: Keys

    /// - Throws: `.bucketNotFound` when one of its projects is none; `.invalidRequest` for one that is known already.
    func insertProjectKey(_ key: ProjectKey) async throws

    /// Revoked ones too. Nil when there is none.
    func projectKey(_ digest: SecretDigest) async throws -> ProjectKey?

    /// Those that open a project, revoked ones too, the newest first.
    func projectKeys(of id: BucketID) async throws -> [ProjectKey]

    /// From now on the key opens nothing, of no project; announced to every server.
    /// - Parameter name: its id, or its client id.
    /// - Returns: false when no such key opens the project, or it was revoked before.
    func revokeProjectKey(_ name: String, of id: BucketID) async throws -> Bool

    // MARK: Usage

    /// Adds to what was used. What is of no project is left out.
    func addUsage(_ usage: [DailyUsage]) async throws

    /// Notes what every project holds as its storage of a day.
    func recordStorage(on day: UsageDay) async throws

    /// The days of a project on which anything was noted, the first first.
    func usage(of id: BucketID, from first: UsageDay, through last: UsageDay) async throws -> [DailyUsage]

    /// What a project holds now: nothing, where there is none such.
    func totals(of id: BucketID, facts: RequestFacts) async throws -> ProjectTotals
}

extension ProjectStore {
    /// Makes a project that no account owns.
    public func createProject(_ project: Project, isPublic: Bool, keys: [ProjectKey]) async throws -> Bool {
        try await createProject(project, isPublic: isPublic, keys: keys, ownedBy: nil)
    }
}
