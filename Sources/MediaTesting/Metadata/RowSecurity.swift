// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// Row-level security of one caller, with the semantics of Postgres 15.
struct RowSecurity {
    let policies: [Policy]
    let fileRows: FileRows
    let caller: Caller
    let bypasses: Bool
    /// Of a key of projects, what its claims name: the policies that come with them are the only ones that count for it.
    private let projects: Set<BucketID>?
    /// How far that goes. Nil: the claims say something else, which is as far as reading.
    private let right: ProjectRight?

    /// - Throws: `.accessDenied` for a role that the database does not have.
    init(policies: [Policy], roles: Set<String>, files: FileRows, caller: Caller) throws(StorageError) {
        let role = caller.principal.role
        guard roles.contains(role) else {
            throw StorageError(.accessDenied, "The role of this token is not known here", resource: role)
        }
        self.policies = policies
        self.fileRows = files
        self.caller = caller
        self.bypasses = role == InMemoryMetadataStore.serviceRole
        self.projects = role == ProjectScope.role ? Self.projects(in: caller.principal.claims) : nil
        self.right = Self.right(in: caller.principal.claims)
    }

    /// `magpie.caller_projects()`.
    private static func projects(in claims: JSONText) -> Set<BucketID> {
        guard let value = try? JSONSerialization.jsonObject(with: Data(claims.rawValue.utf8)),
            let names = (value as? [String: Any])?["projects"] as? [String]
        else { return [] }
        return Set(names.map { BucketID(stored: $0) })
    }

    /// `magpie.caller_has_right()`.
    private static func right(in claims: JSONText) -> ProjectRight? {
        guard let value = try? JSONSerialization.jsonObject(with: Data(claims.rawValue.utf8)) as? [String: Any],
            let right = value["right"]
        else { return .manage }
        return (right as? String).flatMap(ProjectRight.init(rawValue:))
    }

    /// Whether the policies of the role of keys let the caller write a project's objects: `magpie.caller_writable_projects()`.
    func writes(_ project: BucketID) -> Bool {
        projects?.contains(project) == true && (right == .write || right == .manage)
    }

    /// Whether the caller acts for a project.
    func isOf(_ project: BucketID) -> Bool { projects?.contains(project) == true }

    func allows(_ command: Policy.Command, _ row: PolicyContext.Row, _ stage: PolicyContext.Stage = .existing) -> Bool {
        guard !bypasses else { return true }
        if let projects {
            guard command != .select else { return projects.contains(row.bucketID) }
            guard row.table == .buckets else { return writes(row.bucketID) }
            return projects.contains(row.bucketID) && command == .update && right == .manage
        }
        if case .object(let record) = row, fileRows.allows(command, record, caller.principal) { return true }
        let context = PolicyContext(caller: caller, stage: stage, row: row)
        return policies.contains {
            $0.table == row.table && $0.command == command && $0.roles.contains(caller.principal.role) && $0.allows(context)
        }
    }

    /// What Postgres reports as SQLSTATE 42501 "new row violates row-level security policy".
    func require(
        _ command: Policy.Command, _ row: PolicyContext.Row, _ stage: PolicyContext.Stage = .proposed
    ) throws(StorageError) {
        guard allows(command, row, stage) else {
            throw refused(command, row, "new row violates row-level security policy")
        }
    }

    func refused(_ command: Policy.Command, _ row: PolicyContext.Row, _ message: String) -> StorageError {
        StorageError(
            .accessDenied, message,
            refusal: PolicyRefusal(role: caller.principal.role, command: command, table: row.table.rawValue))
    }

    func sees(_ record: ObjectRecord) -> Bool { allows(.select, .object(record)) }
    func sees(_ bucket: Bucket) -> Bool { allows(.select, .bucket(bucket)) }
}
