// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Puts that share a transaction with others.
extension PostgresMetadataStore {
    /// How long nothing is tried together once the database has something that wants to see puts one by one.
    private static let pause = Duration.seconds(60)
    /// How long a group waits for a lock, of which it takes only those that nobody else needs for long.
    private static let lockTimeout = "100ms"

    /// Writes a put together with others that come at the same time.
    ///
    /// - Returns: nil when nothing was written: the put needs a transaction of its own, or somebody else is at the address.
    /// - Throws: as `commitPut`.
    func commitTogether(_ object: NewObject, _ mode: PutMode) async throws -> ObjectRecord? {
        // Events tell of the request behind each row, and a condition or the end of an upload is looked at in between.
        // And so is the end of a reservation in a store of a project's own.
        guard !configuration.recordsEvents, object.condition == .none, object.completing == nil, object.past == nil,
            !object.blob.backend.isOwn
        else { return nil }
        switch await putGroups.join(PutGroups.Put(object: object, mode: mode)) {
        case .written(let record): return record
        case .alone: return nil
        case .failed(let error): throw ErrorMapping.storageError(error, about: object)
        case .leads(let group):
            // Others wait for this: it runs to its end whatever becomes of the caller, within the time that the database has for it.
            let turns = await Task { await write(group.map(\.put)) }.value
            putGroups.next()
            for (member, turn) in zip(group, turns).dropFirst() { member.settle(turn) }
            switch turns.first {
            case .written(let record): return record
            case .failed(let error): throw ErrorMapping.storageError(error, about: object)
            case .alone, .leads, nil: return nil
            }
        }
    }

    /// Writes a group. - Returns: what became of each of its puts.
    func write(_ group: [PutGroups.Put]) async -> [PutGroups.Turn] {
        do {
            let results = try await client.transaction(
                [.scope(groupScope), groupStep(group)], ending: .commit)
            var written: [String: ObjectRecord] = [:]
            for row in results.first?.rows ?? ResultSet(nil).rows {
                let record = try ObjectColumns.read(row)
                if let version = record.version { written[version.rawValue] = record }
            }
            return group.map { written[$0.object.version.rawValue].map { .written($0) } ?? .alone }
        } catch let error as PostgresError where error.kind == .server || error.kind == .invalidParameter {
            // One of them is at fault, and which one shows when each is written by itself: nothing of the group was committed.
            if error.sqlState == .watchedPuts { putGroups.pause(for: Self.pause) }
            return group.map { _ in .alone }
        } catch {
            return group.map { _ in .failed(error) }
        }
    }

    /// Nothing of any request: whoever would look at it makes the database refuse groups.
    private var groupScope: Scope {
        Scope(
            role: configuration.service.role,
            settings: [("magpie.quiet", configuration.announcesOwnWrites ? "off" : "on"), ("lock_timeout", Self.lockTimeout)])
    }

    private func groupStep(_ puts: [PutGroups.Put]) -> Step {
        func column(_ value: (NewObject) -> String?) -> String? { ArrayLiteral.text(puts.map { value($0.object) }) }
        let trials = puts.map { requiredTrial($0.object, $0.mode) }
        return .run(
            Self.commitGroup, ArrayLiteral.text(puts.map { Parameter.bool($0.mode == .create) }),
            ArrayLiteral.text(trials.map { Parameter.bool($0 != nil) }), ArrayLiteral.text(trials.map { $0?.seen }),
            column(\.address.bucket.rawValue), column(\.address.key.rawValue), column(\.version.rawValue),
            column { ObjectColumns.owner(of: $0.ownerID) }, column(\.ownerID), column(\.metadata.rawValue),
            column(\.userMetadata?.rawValue), column(\.blob.backend.rawValue), column(\.blob.key.rawValue),
            column { Parameter.int($0.blob.size) }, column(\.blob.md5), column { StringMap.text($0.blob.checksums) },
            column(\.blob.parts?.text), column(\.partChecksums?.text))
    }

    private static let commitGroup = SQL(
        "object_commit_group",
        """
        SELECT \(ObjectColumns.list)
        FROM magpie.commit_puts(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
        ) AS o
        """)
}

extension ErrorMapping {
    fileprivate static func storageError(_ error: any Error, about object: NewObject) -> any Error {
        guard let error = error as? PostgresError else { return error }
        return storageError(error, about: .object(object.address))
    }
}
