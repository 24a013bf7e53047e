// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Finds out which command a caller has no policy for. Runs only after a refusal: Postgres says that it refused, not what.
extension PostgresMetadataStore {
    /// The tables that have policies.
    enum PolicyTable: String {
        case objects = "storage.objects"
        case buckets = "storage.buckets"
        case versions = "magpie.object_versions"
    }

    /// Runs `body`; a refusal by row-level security gets the name of the one command that it can have been.
    func refusing<Value>(
        _ command: PolicyRefusal.Command, on table: PolicyTable, _ caller: Caller, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as StorageError where error.isPolicyRefusal {
            throw error.refused(command, on: table, caller)
        }
    }

    /// The command missing for an upsert that was refused.
    func missingForReplace(_ draft: ObjectDraft, _ caller: Caller) async throws -> PolicyRefusal.Command {
        do {
            try await transaction(
                [.scope(dryRunScope(caller)), insertStep(draft)], ending: .rollback, about: .object(draft.address)
            ) { _ in }
            // A new row may be written, so it is the reading of what was written that failed.
            return .select
        } catch let error as StorageError where error.isPolicyRefusal {
            return .insert
        } catch let error as StorageError where error.code == .relatedResourceMissing {
            return .select
        } catch let error as StorageError where error.code == .objectExists {
            return try await isVisible(draft.address, caller) ? .update : .select
        }
    }

    /// The command missing for a deletion that touched no row although there is one.
    func missingForDelete(_ address: ObjectAddress, _ caller: Caller) async throws -> PolicyRefusal.Command {
        let hasPolicy = try await transaction([.scope(dryRunScope(caller)), .run(Self.hasDeletePolicy)], ending: .rollback) {
            try $0[0].onlyRow().bool(0)
        }
        guard hasPolicy else { return .delete }
        return try await isVisible(address, caller) ? .delete : .select
    }

    /// The command missing for a move whose new row was refused: visible once the system moved it, UPDATE refused it.
    func missingForMove(
        from source: ObjectAddress, to destination: ObjectAddress, _ caller: Caller
    ) async throws -> PolicyRefusal.Command {
        let steps: [Step] = [
            .scope(dryRunScope(Caller(principal: configuration.service, facts: caller.facts))),
            moveStep(from: source, to: destination, caller),
            .scope(dryRunScope(caller)),
            .run(Self.findObject, destination.bucket.rawValue, destination.key.rawValue),
        ]
        do {
            return try await transaction(steps, ending: .rollback, about: .object(destination)) {
                try $0[1].optionalRow() != nil ? .update : .select
            }
        } catch let error as StorageError where error.code == .objectExists || error.code == .relatedResourceMissing {
            // There is no such row to look at; UPDATE is what Postgres asks first.
            return .update
        }
    }

    func isVisible(_ address: ObjectAddress, _ caller: Caller) async throws -> Bool {
        let find = Step.run(Self.findObject, address.bucket.rawValue, address.key.rawValue)
        return try await transaction([.scope(dryRunScope(caller)), find], ending: .rollback) { try $0[0].optionalRow() != nil }
    }

    private static let hasDeletePolicy = SQL(
        "policy_delete",
        """
        SELECT EXISTS (
            SELECT
            FROM pg_policy AS p
            WHERE p.polrelid = 'storage.objects'::regclass AND p.polpermissive AND p.polcmd IN ('d', '*')
                -- That is for owners of files, and says nothing of other objects.
                AND p.polname <> 'magpie_files_delete'
                -- The role 0 is PUBLIC.
                AND EXISTS (SELECT FROM unnest(p.polroles) AS r WHERE r = 0 OR pg_has_role(r, 'USAGE'))
        )
        """)
}

extension StorageError {
    func refused(_ command: PolicyRefusal.Command, on table: PostgresMetadataStore.PolicyTable, _ caller: Caller) -> StorageError
    {
        var error = self
        error.refusal = PolicyRefusal(role: caller.principal.role, command: command, table: table.rawValue)
        return error
    }
}
