// SPDX-License-Identifier: Apache-2.0

import struct Foundation.UUID

extension BackendID {
    private static let ownPrefix = "byos_"

    /// A fresh id for a store of a project's own.
    public static func own() -> BackendID { BackendID(ownPrefix + UUID().uuidString.lowercased()) }

    /// Whether it is a project's own store: not the server's, which may sweep its stores, while in a stranger's it owns only what its rows name.
    public var isOwn: Bool { rawValue.hasPrefix(Self.ownPrefix) }
}

/// A store of a project's own: a row of `magpie.own_backends`.
///
/// The place never changes while blobs are in it; the credentials may. What is configured for another place is another row.
public struct Backend: Hashable, Sendable {
    public var id: BackendID
    /// Nil once the project is gone: the row stays until the last deletion in the store is done.
    public var project: BucketID?
    public var place: BackendPlace
    /// Sealed by `BackendVault`. Nil once they were forgotten: nobody gets at the bytes any more.
    public var sealedCredentials: [UInt8]?
    /// Counts the changes: what was opened by an earlier one is opened anew.
    public var revision: Int64
    public var configuredAt: Timestamp
    /// Nil before the first check.
    public var health: BackendHealth?

    public init(
        id: BackendID = .own(), project: BucketID?, place: BackendPlace, sealedCredentials: [UInt8]?, revision: Int64 = 1,
        configuredAt: Timestamp, health: BackendHealth? = nil
    ) {
        self.id = id
        self.project = project
        self.place = place
        self.sealedCredentials = sealedCredentials
        self.revision = revision
        self.configuredAt = configuredAt
        self.health = health
    }
}

/// How a store was when it was last asked.
public struct BackendHealth: Hashable, Sendable {
    public var checkedAt: Timestamp
    /// For the owner: what went wrong, without secrets and addresses. Nil: nothing did.
    public var failure: String?

    public init(checkedAt: Timestamp, failure: String? = nil) {
        self.checkedAt = checkedAt
        self.failure = failure
    }

    public var isHealthy: Bool { failure == nil }
}

/// What came of trying a store: a small blob was written, read and deleted.
public struct BackendTrial: Hashable, Sendable {
    /// The steps, in their order.
    public enum Stage: String, Hashable, Sendable { case connect, write, read, delete }

    public struct Failure: Hashable, Sendable {
        public var stage: Stage
        /// For the owner.
        public var message: String

        public init(stage: Stage, message: String) {
            self.stage = stage
            self.message = message
        }
    }

    /// How long all of it took.
    public var milliseconds: Int64
    /// Nil: the store can be used.
    public var failure: Failure?

    public init(milliseconds: Int64, failure: Failure? = nil) {
        self.milliseconds = milliseconds
        self.failure = failure
    }
}
