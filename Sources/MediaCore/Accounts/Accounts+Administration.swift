// SPDX-License-Identifier: Apache-2.0

/// Accounts as whoever runs the server makes and changes them.
extension Accounts {
    /// Makes an account, however sign-up is set. The first of all runs the server.
    /// - Throws: as `register`.
    public func create(email: String, password: String, name: String, isOperator: Bool) async throws -> Account {
        let draft = try draft(email: email, name: name, isOperator: isOperator)
        let hash = try await hasher.hash(Password(chosen: password))
        guard let account = try await metadata.insertAccount(draft, password: hash, onlyFirst: false) else {
            throw StorageError(.internal, "The account was not made")
        }
        return account
    }

    /// All, in byte order of their addresses.
    public func list() async throws -> [Account] { try await metadata.accounts() }

    /// Takes an account out of use, which ends its sessions, or into use again. Access tokens that apps have are good until they expire.
    /// - Throws: `StorageError` with `.relatedResourceMissing` when there is none.
    public func setDisabled(_ isDisabled: Bool, of email: String) async throws {
        let account = try await existing(email)
        _ = try await metadata.setDisabled(isDisabled ? now() : nil, of: account.id)
    }

    /// Gives an account another password and ends its sessions. - Throws: as `setDisabled`; `.invalidParameter`.
    public func setPassword(_ password: String, of email: String) async throws {
        let hash = try await hasher.hash(Password(chosen: password))
        let account = try await existing(email)
        _ = try await metadata.setPassword(hash, of: account.id, insteadOf: nil)
        try await endSessions(of: account)
    }

    /// Makes an account something in a project, or nothing. - Throws: as `setDisabled`; `.bucketNotFound`; `.unsupported` for the last owner.
    public func grant(_ role: ProjectRole?, to email: String, in name: String) async throws {
        let account = try await existing(email)
        let project = try BucketID(existing: name)
        guard try await metadata.project(project, facts: Self.facts) != nil else {
            throw StorageError(.bucketNotFound, "There is no project \(name.prefix(128))", resource: name)
        }
        guard let role else { return try Self.check(await metadata.removeMember(account.id, from: project)) }
        if try await metadata.addMember(account.id, to: project, as: role, at: now()) { return }
        try Self.check(await metadata.changeMember(account.id, of: project, to: role))
    }
}
