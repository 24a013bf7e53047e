// SPDX-License-Identifier: Apache-2.0

public import MediaCore

/// One permissive row-level security policy: `CREATE POLICY … FOR command TO roles`.
///
/// As in Postgres, a command is allowed on a row when any policy of the caller's role for that command allows it, and
/// refused when there is none.
///
/// ```swift
/// Policy(["authenticated"], .select, .objects) { $0.object?.ownerID == $0.caller.principal.subject }
/// ```
public struct Policy: Sendable {
    /// The tables that have row-level security.
    public enum Table: String, Hashable, Sendable, CaseIterable {
        case objects = "storage.objects"
        case buckets = "storage.buckets"
        /// Versions that are not current.
        case versions = "magpie.object_versions"
    }

    public typealias Command = PolicyRefusal.Command

    public var roles: Set<String>
    public var command: Command
    public var table: Table
    public var allows: @Sendable (PolicyContext) -> Bool

    public init(
        _ roles: Set<String>, _ command: Command, _ table: Table = .objects,
        allows: @escaping @Sendable (PolicyContext) -> Bool = { _ in true }
    ) {
        self.roles = roles
        self.command = command
        self.table = table
        self.allows = allows
    }

    /// Always-true policies of one role on one table.
    public static func allowing(_ commands: Set<Command>, to role: String, on table: Table = .objects) -> [Policy] {
        commands.sorted { $0.rawValue < $1.rawValue }.map { Policy([role], $0, table) }
    }
}

/// What a policy looks at: one row, seen by one caller.
public struct PolicyContext: Sendable {
    /// Which of Postgres' two expressions is asked for. One closure serves both; compare this where they shall differ.
    public enum Stage: Sendable {
        /// `USING`: a row that is there.
        case existing
        /// `WITH CHECK`: a row as it would become.
        case proposed
    }

    enum Row: Sendable {
        case object(ObjectRecord)
        case bucket(Bucket)
        case version(ObjectRecord)

        var table: Policy.Table {
            switch self {
            case .object: .objects
            case .bucket: .buckets
            case .version: .versions
            }
        }

        /// The object's bucket, or the bucket itself.
        var bucketID: BucketID {
            switch self {
            case .object(let record), .version(let record): record.address.bucket
            case .bucket(let bucket): bucket.id
            }
        }
    }

    public var caller: Caller
    public var stage: Stage
    var row: Row

    /// The row, when it is one of `storage.objects` or `magpie.object_versions`.
    public var object: ObjectRecord? {
        switch row {
        case .object(let record), .version(let record): record
        case .bucket: nil
        }
    }

    /// The row, when it is one of `storage.buckets`.
    public var bucket: Bucket? {
        guard case .bucket(let bucket) = row else { return nil }
        return bucket
    }

    /// The object's bucket, or the bucket itself.
    public var bucketID: BucketID { row.bucketID }
}
