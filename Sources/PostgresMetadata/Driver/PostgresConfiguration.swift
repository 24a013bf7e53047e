// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How to reach Postgres and how much of it to use.
public struct PostgresConfiguration: Sendable {
    /// A `postgres://` URL or a `key=value` connection string of libpq. Holds a password perhaps: never logged.
    public var connectionString: String
    /// How many connections are opened at most; `LISTEN` and scripts use one of their own besides.
    public var poolSize: Int
    /// How many callers may wait for a connection; the next is refused at once.
    public var maxWaitingCallers: Int
    /// How long a caller waits for a connection.
    public var acquireTimeout: Duration
    /// How long opening one connection may take, attempts while the server starts up included.
    public var connectTimeout: Duration
    /// `statement_timeout` of Postgres; zero is no limit.
    public var statementTimeout: Duration
    /// `idle_in_transaction_session_timeout` of Postgres; zero is no limit.
    public var idleInTransactionTimeout: Duration
    /// How many statements stay prepared on a connection; the least recently used go first.
    public var maxPreparedStatements: Int
    /// Whether a failure of kind `.outcomeUnknown` is reported only when the transaction has come to its end, one way or the
    /// other. Needs a Postgres that is reached directly, without a pooler in between.
    public var awaitsLostCommits: Bool

    /// - Parameter poolSize: nil is two connections a core, at least eight.
    public init(
        connectionString: String, poolSize: Int? = nil, maxWaitingCallers: Int = 1024,
        acquireTimeout: Duration = .seconds(10), connectTimeout: Duration = .seconds(10)
    ) {
        self.connectionString = connectionString
        self.poolSize = max(1, poolSize ?? Self.defaultPoolSize)
        self.maxWaitingCallers = maxWaitingCallers
        self.acquireTimeout = acquireTimeout
        self.connectTimeout = connectTimeout
        self.statementTimeout = .seconds(30)
        self.idleInTransactionTimeout = .seconds(60)
        self.maxPreparedStatements = 256
        self.awaitsLostCommits = false
    }
}

extension PostgresConfiguration {
    /// Two connections a core: Postgres does not get faster beyond that, it only queues. At least eight: those whose commits wait for the
    /// disk need no core, and the more of them wait together, the fewer flushes there are.
    static var defaultPoolSize: Int { max(8, 2 * Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
