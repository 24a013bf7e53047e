// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

extension InMemoryMetadataStore {
    /// A row of `magpie.accounts`.
    struct StoredAccount {
        var account: Account
        var password: PasswordHash
    }

    /// A row of `magpie.account_sessions`, with those of `magpie.spent_refresh_tokens`.
    struct StoredSession {
        var session: AccountSession
        var digest: SecretDigest
        var spent: Set<SecretDigest> = []
    }

    /// A row of `magpie.memberships`.
    struct StoredMembership {
        var role: ProjectRole
        var since: Timestamp
    }

    public func insertAccount(_ account: Account, password: PasswordHash, onlyFirst: Bool) async throws -> Account? {
        try state.withLock { state in
            let isFirst = state.accounts.values.allSatisfy(\.account.isAppUser)
            guard isFirst || !onlyFirst else { return nil }
            guard !state.accounts.values.contains(where: { $0.account.email == account.email }) else {
                throw StorageError(.objectExists, "There is an account of this e-mail address", resource: "email")
            }
            var account = account
            account.isOperator = (account.isOperator || isFirst) && !account.isAppUser
            state.accounts[account.id] = StoredAccount(account: account, password: password)
            return account
        }
    }

    public func account(_ email: EmailAddress) async throws -> (account: Account, password: PasswordHash)? {
        state.withLock { state in
            state.accounts.values.first { $0.account.email == email }.map { ($0.account, $0.password) }
        }
    }

    public func account(_ id: AccountID) async throws -> (account: Account, password: PasswordHash)? {
        state.withLock { state in state.accounts[id].map { ($0.account, $0.password) } }
    }

    public func accounts() async throws -> [Account] {
        state.withLock { state in
            state.accounts.values.map(\.account).sorted {
                $0.email.rawValue.utf8.lexicographicallyPrecedes($1.email.rawValue.utf8)
            }
        }
    }

    public func hasAccounts() async throws -> Bool { state.withLock { !$0.accounts.values.allSatisfy(\.account.isAppUser) } }

    public func setPassword(
        _ password: PasswordHash, of id: AccountID, insteadOf old: PasswordHash?
    ) async throws -> Bool {
        state.withLock { state in
            guard let stored = state.accounts[id], old == nil || stored.password == old else { return false }
            state.accounts[id]?.password = password
            return true
        }
    }

    public func setDisabled(_ time: Timestamp?, of id: AccountID) async throws -> Bool {
        state.withLock { state in
            guard state.accounts[id] != nil else { return false }
            state.accounts[id]?.account.disabledAt = time
            if time != nil { state.sessions = state.sessions.filter { $0.value.session.account != id } }
            return true
        }
    }

    // MARK: Memberships

    public func role(of account: AccountID, in project: BucketID) async throws -> ProjectRole? {
        state.withLock { $0.memberships[project]?[account]?.role }
    }

    public func memberships(of account: AccountID) async throws -> [(project: Project, role: ProjectRole)] {
        state.withLock { state in
            state.projects.values.sorted { $0.id < $1.id }.compactMap { project in
                state.memberships[project.id]?[account].map { (project, $0.role) }
            }
        }
    }

    public func members(of project: BucketID) async throws -> [ProjectMember] {
        state.withLock { state in
            let members = (state.memberships[project] ?? [:]).compactMap { id, membership in
                state.accounts[id].map {
                    ProjectMember(account: $0.account, role: membership.role, since: membership.since)
                }
            }
            return members.sorted { a, b in
                guard (a.role == .owner) == (b.role == .owner) else { return a.role == .owner }
                return a.account.email.rawValue.utf8.lexicographicallyPrecedes(b.account.email.rawValue.utf8)
            }
        }
    }

    public func addMember(
        _ account: AccountID, to project: BucketID, as role: ProjectRole, at time: Timestamp
    ) async throws -> Bool {
        try state.withLock { state in
            guard state.projects[project] != nil, state.accounts[account] != nil else {
                throw StorageError(.bucketNotFound, "There is no such project or account", resource: project.rawValue)
            }
            guard state.memberships[project]?[account] == nil else { return false }
            state.memberships[project, default: [:]][account] = StoredMembership(role: role, since: time)
            return true
        }
    }

    public func changeMember(
        _ account: AccountID, of project: BucketID, to role: ProjectRole
    ) async throws -> MembershipChange {
        state.withLock { state in
            guard state.memberships[project]?[account] != nil else { return .noMember }
            guard role == .owner || !state.isLastOwner(account, of: project) else { return .lastOwner }
            state.memberships[project]?[account]?.role = role
            return .done
        }
    }

    public func removeMember(_ account: AccountID, from project: BucketID) async throws -> MembershipChange {
        state.withLock { state in
            guard state.memberships[project]?[account] != nil else { return .noMember }
            guard !state.isLastOwner(account, of: project) else { return .lastOwner }
            state.memberships[project]?[account] = nil
            return .done
        }
    }
}

extension InMemoryMetadataStore.State {
    fileprivate func isLastOwner(_ account: AccountID, of project: BucketID) -> Bool {
        let members = memberships[project] ?? [:]
        guard members[account]?.role == .owner else { return false }
        return !members.contains { id, membership in
            id != account && membership.role == .owner && accounts[id]?.account.disabledAt == nil
        }
    }
}
