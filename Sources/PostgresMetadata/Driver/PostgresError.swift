// SPDX-License-Identifier: Apache-2.0

/// What went wrong between this process and Postgres. Never holds a parameter of a statement.
struct PostgresError: Error, Sendable {
    enum Kind: Sendable {
        /// Postgres refused a statement; `sqlState` says why. The transaction is rolled back.
        case server
        /// No connection could be made.
        case connectFailed
        /// The connection broke before the transaction could have been committed: nothing of it happened.
        case connectionLost
        /// The connection broke after COMMIT was handed to it and before the answer: it happened entirely or not at all.
        case outcomeUnknown
        /// No connection came free in time.
        case acquireTimeout
        /// As many callers as allowed are waiting for a connection already.
        case tooManyWaiting
        /// The client is shut down.
        case shutDown
        /// A parameter that can't be sent, such as one with a NUL character. Nothing was sent.
        case invalidParameter
        /// A result's shape differs from what the code that reads it expects.
        case unexpectedResult
        /// The transaction handle was used after its end.
        case transactionEnded
    }

    var kind: Kind
    var message: String
    var sqlState: SQLState?
    /// What Postgres adds; may quote the values of a row, so it is for the code that handles the error and not for the log.
    var detail: String?
    var hint: String?
    var schema: String?
    var table: String?
    var constraint: String?
    /// The name of the statement that failed.
    var statement: String?

    init(
        _ kind: Kind, _ message: String, sqlState: SQLState? = nil, detail: String? = nil, hint: String? = nil,
        schema: String? = nil, table: String? = nil, constraint: String? = nil, statement: String? = nil
    ) {
        self.kind = kind
        self.message = message
        self.sqlState = sqlState
        self.detail = detail
        self.hint = hint
        self.schema = schema
        self.table = table
        self.constraint = constraint
        self.statement = statement
    }

    /// True when nothing of the transaction happened and the same one may succeed a little later.
    var isRetryable: Bool {
        switch kind {
        case .connectFailed, .connectionLost, .acquireTimeout, .tooManyWaiting: true
        case .server: sqlState == .serializationFailure || sqlState == .deadlockDetected || isStalePlan
        case .outcomeUnknown, .shutDown, .invalidParameter, .unexpectedResult, .transactionEnded: false
        }
    }

    /// True when a prepared statement no longer fits the schema, or is gone: a fresh connection will do.
    var isStalePlan: Bool {
        // 0A000 has many causes; this one is "cached plan must not change result type", which only its source names safely.
        sqlState == .unknownStatementName || (sqlState == .featureNotSupported && isFromPlanCache)
    }

    /// Whether the routine of Postgres that raised the error is the one that checks cached plans.
    var isFromPlanCache = false
    /// Whether Postgres closes the connection after this error.
    var endsConnection = false
    /// Whether the connection was refused for lack of a password.
    var needsPassword = false
}

extension PostgresError: CustomStringConvertible {
    /// One line for the log, without `detail` and `hint`.
    var description: String {
        var text = "\(kind)"
        if let sqlState { text += " \(sqlState)" }
        text += ": \(message)"
        if let table { text += " [table \(schema.map { $0 + "." } ?? "")\(table)]" }
        if let constraint { text += " [constraint \(constraint)]" }
        if let statement { text += " [statement \(statement)]" }
        return text
    }
}
