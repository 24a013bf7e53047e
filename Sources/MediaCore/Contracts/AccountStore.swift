// SPDX-License-Identifier: Apache-2.0

/// Accounts, their sessions and what they are in projects: tables that nobody but the service reads. Who may ask for what of them is
/// decided before.
public protocol AccountStore: Sendable {
    // MARK: Accounts

    /// Keeps a new account. The first of all becomes an operator, whatever it says; of several at the same time one is the first. Those
    /// that apps made do not count, and never become one.
    /// - Parameter onlyFirst: keep it only if it is the first.
    /// - Returns: as it is kept; nil when it would not have been the first.
    /// - Throws: `.objectExists` when the address is taken.
    func insertAccount(_ account: Account, password: PasswordHash, onlyFirst: Bool) async throws -> Account?

    /// With what its password is compared. Disabled ones too. - Throws: `.notConfigured` for a hash that this version did not make.
    func account(_ email: EmailAddress) async throws -> (account: Account, password: PasswordHash)?

    /// As above, by its id.
    func account(_ id: AccountID) async throws -> (account: Account, password: PasswordHash)?

    /// All, in byte order of their addresses.
    func accounts() async throws -> [Account]

    /// Besides those that apps made.
    func hasAccounts() async throws -> Bool

    /// Changes a password. - Parameter old: only while this is what is kept. Nil: in any case.
    /// - Returns: false when there is no such account, or its password is another one by now.
    func setPassword(_ password: PasswordHash, of id: AccountID, insteadOf old: PasswordHash?) async throws -> Bool

    /// Takes an account out of use, which ends its sessions, or into use again. - Returns: false when there is none.
    func setDisabled(_ time: Timestamp?, of id: AccountID) async throws -> Bool

    // MARK: Sessions

    /// Keeps a new session, and forgets those of the account that are over, and the least used beyond a number.
    /// - Parameter most: of sessions of the account.
    func insertSession(_ session: AccountSession, digest: SecretDigest, most: Int) async throws

    /// The session of a token, with whose it is. Nil when there is none of that kind, it is over, or the account is disabled.
    func session(
        _ digest: SecretDigest, kind: AccountSession.Kind, at time: Timestamp
    ) async throws -> (session: AccountSession, account: Account)?

    /// Notes that a session was used. Nothing happens to one that is gone.
    func touchSession(_ id: SessionID, at time: Timestamp, expiresAt: Timestamp) async throws

    /// Those of an account that are not over, the last used first.
    func sessions(of id: AccountID, at time: Timestamp) async throws -> [AccountSession]

    /// - Returns: false when the account has no such session.
    func endSession(_ id: SessionID, of account: AccountID) async throws -> Bool

    /// Ends all sessions of an account. - Parameter kept: but this one.
    func endSessions(of account: AccountID, except kept: SessionID?) async throws

    /// Gives the holder of a refresh token another one. A token that was given up before has been stolen, or its successor was: the
    /// session ends.
    /// - Returns: the session with whose it is; nil when the token is none, the session is over, or it has just been ended.
    func rotateToken(
        from old: SecretDigest, to new: SecretDigest, at time: Timestamp, expiresAt: Timestamp
    ) async throws -> (session: AccountSession, account: Account)?

    // MARK: Memberships

    /// What an account is in a project. Nil when it is nothing there.
    func role(of account: AccountID, in project: BucketID) async throws -> ProjectRole?

    /// The projects of an account with what it is there, in byte order of their ids.
    func memberships(of account: AccountID) async throws -> [(project: Project, role: ProjectRole)]

    /// Those in a project, owners first, then in byte order of their addresses.
    func members(of project: BucketID) async throws -> [ProjectMember]

    /// - Returns: false when the account is a member already. - Throws: `.bucketNotFound` when there is no such project or account.
    func addMember(_ account: AccountID, to project: BucketID, as role: ProjectRole, at time: Timestamp) async throws -> Bool

    /// Changes what a member is. One of several owners who go at the same time stays.
    func changeMember(_ account: AccountID, of project: BucketID, to role: ProjectRole) async throws -> MembershipChange

    /// As above.
    func removeMember(_ account: AccountID, from project: BucketID) async throws -> MembershipChange
}
