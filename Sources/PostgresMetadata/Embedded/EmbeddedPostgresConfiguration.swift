// SPDX-License-Identifier: Apache-2.0

/// Where the private PostgreSQL keeps its files and how it is run.
public struct EmbeddedPostgresConfiguration: Sendable {
    /// What a committed transaction survives.
    public enum Durability: String, Sendable {
        /// Power loss.
        case fsync
        /// The end of the processes, not that of the machine: for tests and throw-away data, much faster.
        case none
    }

    /// The server's data directory; everything of Postgres is in `postgres` below it.
    public var dataDirectory: String
    /// The directory of `postgres` and `initdb`; nil looks below `/usr/lib/postgresql`.
    public var binaryDirectory: String?
    public var durability: Durability
    /// How many connections Postgres accepts.
    public var maxConnections: Int
    /// How long the start may take, recovery after a crash included.
    public var startTimeout: Duration
    /// How long a Postgres that an earlier process left behind may take to stop.
    public var previousStopTimeout: Duration
    /// How long `stop()` waits before it has Postgres stop at once, which costs a recovery at the next start.
    public var stopTimeout: Duration

    /// Connections besides those of a pool: Postgres keeps three for superusers, and listeners, scripts and commands need some.
    private static let connectionsBesidesPool = 20

    /// - Parameter poolSize: how many connections the pool of the server may open; nil for as many as `PostgresConfiguration` has.
    public init(
        dataDirectory: String, binaryDirectory: String? = nil, durability: Durability = .fsync, poolSize: Int? = nil
    ) {
        self.dataDirectory = dataDirectory
        self.binaryDirectory = binaryDirectory
        self.durability = durability
        self.maxConnections = max(60, (poolSize ?? PostgresConfiguration.defaultPoolSize) + Self.connectionsBesidesPool)
        self.startTimeout = .seconds(120)
        self.previousStopTimeout = .seconds(20)
        self.stopTimeout = .seconds(20)
    }
}

/// Why the private PostgreSQL can't be started or went away. The message says what to do.
public struct EmbeddedPostgresError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// Another server uses the data directory.
        case inUse
        /// PostgreSQL, `setpriv` or the account `postgres` is missing, or too old.
        case notInstalled
        /// The data directory can't be made or entered.
        case directory
        /// `initdb` failed.
        case initialisation
        /// Postgres did not start.
        case start
        /// Postgres ended by itself.
        case died
    }

    public var kind: Kind
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { message }
}
