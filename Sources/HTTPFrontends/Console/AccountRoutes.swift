// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

/// The projects of an account, their members and their keys.
extension ConsoleCall {
    // MARK: Projects

    func projects(of account: Account) async throws -> Response {
        let projects = try await accounts.projects(of: account)
        var writer = JSONWriter()
        writer.array(projects) { writer, item in
            writer.object { writer in
                writer.field("projectId", item.project.id.rawValue)
                writer.field("role", item.role.rawValue)
                writer.field("owner", item.project.owner)
                writer.field("createdAt", item.project.createdAt)
                writer.field("plan", item.project.plan)
            }
        }
        return Self.json(writer.text)
    }

    /// `{"name": …, "plan": …, "private": false}`. The secrets are shown this once.
    func createProject(as account: Account) async throws -> Response {
        let fields = try await fields()
        let name = try Self.text("name", in: fields)
        let plan = try Self.optionalText("plan", in: fields).map { text throws(ProblemDetails) in
            guard let plan = Plan.Name(rawValue: text.lowercased()) else {
                throw ProblemDetails.invalid("plan", "must be one of \(Self.words(Plan.Name.allCases))")
            }
            return plan
        }
        let isPrivate = try Self.optionalFlag("private", in: fields) ?? false
        let secrets = try await accounts.createProject(name, plan: plan, isPublic: !isPrivate, as: account)
        return Self.json(
            JSONWriter.object { writer in
                writer.field("project", name)
                writer.field("clientId", secrets.clientID)
                writer.field("clientSecret", secrets.clientSecret)
                writer.field("apiKey", secrets.clientSecret)
                writer.field("publishableKey", secrets.publishableKey)
                writer.field("secretKey", secrets.secretKey)
            }, status: .created)
    }

    // MARK: Members

    func members(of project: BucketID, as account: Account) async throws -> Response {
        let members = try await accounts.members(of: project, as: account)
        var writer = JSONWriter()
        writer.array(members) { writer, member in writer.object { $0.fields(of: member) } }
        return Self.json(writer.text)
    }

    /// `{"email": …, "role": "member"}`
    func addMember(to project: BucketID, as account: Account) async throws -> Response {
        let fields = try await fields()
        let member = try await accounts.addMember(
            try Self.text("email", in: fields), as: try Self.role(in: fields), to: project, by: account)
        return Self.json(JSONWriter.object { $0.fields(of: member) }, status: .created)
    }

    /// `{"role": …}`
    func changeMember(_ text: String, of project: BucketID, as account: Account) async throws -> Response {
        let role = try Self.role(in: await fields())
        try await accounts.changeMember(try Self.member(text), to: role, of: project, by: account)
        return Self.done
    }

    func removeMember(_ text: String, from project: BucketID, as account: Account) async throws -> Response {
        try await accounts.removeMember(try Self.member(text), from: project, by: account)
        return Self.done
    }

    private static func role(in fields: [String: RequestValue]) throws(ProblemDetails) -> ProjectRole {
        guard let role = ProjectRole(word: try text("role", in: fields)) else {
            throw ProblemDetails.invalid("role", "must be one of \(words(ProjectRole.allCases))")
        }
        return role
    }

    private static func member(_ text: String) throws(ProblemDetails) -> AccountID {
        guard let id = AccountID(text) else { throw ProblemDetails(.notFound, "The project has no such member") }
        return id
    }

    // MARK: Keys

    func keys(of project: BucketID, as account: Account) async throws -> Response {
        let keys = try await accounts.keys(of: project, as: account)
        var writer = JSONWriter()
        writer.array(keys) { writer, key in writer.object { $0.fields(of: key) } }
        return Self.json(writer.text)
    }

    /// `{"kind": "pair", "description": …}`. The secret is shown this once.
    func createKey(of project: BucketID, as account: Account) async throws -> Response {
        let fields = try await fields()
        let word = try Self.optionalText("kind", in: fields) ?? ProjectKey.Kind.pair.rawValue
        guard let kind = ProjectKey.Kind(rawValue: word) else {
            throw ProblemDetails.invalid("kind", "must be one of \(Self.words(ProjectKey.Kind.allCases))")
        }
        let description = try Self.optionalText("description", in: fields) ?? ""
        guard description.utf8.count <= Self.longestDescription else {
            throw ProblemDetails.invalid("description", "must have at most \(Self.longestDescription) bytes")
        }
        let (key, secret) = try await accounts.createKey(kind, description: description, of: project, as: account)
        return Self.json(
            JSONWriter.object { writer in
                writer.fields(of: key)
                writer.field("secret", secret)
            }, status: .created)
    }

    func revokeKey(_ id: String, of project: BucketID, as account: Account) async throws -> Response {
        guard try await accounts.revokeKey(id, of: project, as: account) else {
            throw ProblemDetails(.notFound, "The project has no such key in use")
        }
        return Self.done
    }

    private static let longestDescription = 1024

    private static func words<Word: RawRepresentable<String>>(_ all: [Word]) -> String {
        all.map(\.rawValue).joined(separator: ", ")
    }
}

extension JSONWriter {
    fileprivate mutating func fields(of member: ProjectMember) {
        field("accountId", member.account.id.rawValue)
        field("email", member.account.email.rawValue)
        field("name", member.account.name)
        field("role", member.role.rawValue)
        field("disabled", member.account.disabledAt != nil)
        field("since", member.since)
    }

    fileprivate mutating func fields(of key: ProjectKey) {
        field("id", key.id.rawValue)
        field("kind", key.kind.rawValue)
        field("clientId", key.clientID)
        field("description", key.description)
        if let scopes = key.scopes { field("scopes", scopes.map(\.rawValue)) }
        field("createdAt", key.createdAt)
        if let expiresAt = key.expiresAt { field("expiresAt", expiresAt) }
        field("revokedAt", key.revokedAt)
    }
}
