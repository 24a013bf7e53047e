// SPDX-License-Identifier: Apache-2.0

/// One statement whose text is known at compile time. Values travel as parameters, never inside the text.
///
/// The name tells statements apart in errors and in the cache of prepared statements; no two statements share one.
struct SQL: Hashable, Sendable {
    let name: String
    let text: String

    init(_ name: String, _ text: String) {
        self.name = name
        self.text = text
    }

    // The name alone spreads well, and hashing the text at each execution would cost more than it tells.
    func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A statement with its parameters in Postgres' text format; nil is NULL.
struct Statement: Sendable {
    let sql: SQL
    let parameters: [String?]

    init(_ sql: SQL, _ parameters: [String?] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

/// Under which role, and with which transaction-local settings, the following statements run.
///
/// Settings of an earlier scope of the same transaction stay in force until a later one names them again.
struct Scope: Sendable {
    /// Nil is the role that logged in.
    let role: String?
    let settings: [(name: String, value: String)]

    init(role: String?, settings: [(name: String, value: String)] = []) {
        self.role = role
        self.settings = settings
    }
}

/// One element of a transaction's pipeline.
enum Step: Sendable {
    /// Changes the role and settings, also in the middle of a transaction.
    case scope(Scope)
    case statement(Statement)

    /// A statement with its parameters.
    static func run(_ sql: SQL, _ parameters: String?...) -> Step { .statement(Statement(sql, parameters)) }
}

/// How a transaction ends when nothing goes wrong.
enum TransactionEnd: Sendable { case commit, rollback }

extension SQL {
    static let begin = SQL("begin", "BEGIN")
    static let commit = SQL("commit", "COMMIT")
    static let rollback = SQL("rollback", "ROLLBACK")
}

extension Scope {
    /// One statement that puts the scope in force: the role first, because the settings may need its rights.
    ///
    /// - Throws: `PostgresError` with SQLSTATE 22023, as for a role that does not exist, for a role that no token may name:
    ///   the login may be a superuser, who can assume every role.
    func statement() throws(PostgresError) -> Statement {
        if let role, Self.isReserved(role) {
            throw PostgresError(.server, "role \"\(role)\" does not exist", sqlState: .invalidParameterValue)
        }
        var parameters: [String?] = [role ?? "none"]
        parameters.reserveCapacity(1 + 2 * settings.count)
        for setting in settings {
            parameters.append(setting.name)
            parameters.append(setting.value)
        }
        let known = Self.statements
        return Statement(settings.count < known.count ? known[settings.count] : Self.sql(settings.count), parameters)
    }

    /// `none` is to Postgres no role but the way back to the one that logged in; `postgres` is the superuser that every cluster
    /// begins with; names beginning with `pg_` are the predefined roles (PostgreSQL 15, §22.5).
    private static func isReserved(_ role: String) -> Bool { role == "none" || role == "postgres" || role.hasPrefix("pg_") }

    // Made once for the usual numbers of settings: every transaction needs one.
    private static let statements = (0...16).map(sql)

    private static func sql(_ count: Int) -> SQL {
        let calls = (0..<count).map { ",set_config($\(2 * $0 + 2),$\(2 * $0 + 3),true)" }
        return SQL("scope_\(count)", "SELECT set_config('role',$1,true)" + calls.joined())
    }
}
