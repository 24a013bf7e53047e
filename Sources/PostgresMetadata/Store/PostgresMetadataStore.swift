// SPDX-License-Identifier: Apache-2.0

public import Logging
public import MediaCore
public import ServiceLifecycle

/// The metadata store on Postgres, where row-level security is the only authority on who may do what.
///
/// Statements run as the caller's role or as the service role inside one transaction; where the steps are known in advance the
/// whole transaction is one round trip.
public final class PostgresMetadataStore: MetadataStore, Service {
    /// How to use a database.
    public struct Configuration: Sendable {
        /// A `postgres://` URL or a libpq connection string. Never logged.
        public var connectionString: String
        /// How many connections are opened at most. Nil: two a core, at least eight.
        public var poolSize: Int?
        /// How long a request waits for a connection.
        public var acquireTimeout = Duration.seconds(10)
        /// The principal of the server's own work: its role is not bound by row-level security.
        public var service: Principal
        /// Whether writes of this server are announced to others on the same database. False saves every commit a lock.
        public var announcesOwnWrites: Bool
        /// Whether the whole Postgres server is Magpie's own. The connection string (keywords, not a URL) is then its
        /// superuser's, who migrates; requests log in as `authenticator`, a role that can become no more than those granted to it.
        public var ownsCluster: Bool
        /// Whether changes of objects are written to the outbox of events. Somebody has to deliver them.
        public var recordsEvents: Bool

        public init(
            connectionString: String, poolSize: Int? = nil, service: Principal, announcesOwnWrites: Bool = true,
            ownsCluster: Bool = false, recordsEvents: Bool = false
        ) {
            self.connectionString = connectionString
            self.poolSize = poolSize
            self.service = service
            self.announcesOwnWrites = announcesOwnWrites
            self.ownsCluster = ownsCluster
            self.recordsEvents = recordsEvents
        }
    }

    let client: PostgresClient
    // Migrates; the same one where the login of requests does that too.
    let administrator: PostgresClient
    let configuration: Configuration
    let putGroups = PutGroups()
    /// The principal of the server's own work.
    public var service: Principal { configuration.service }
    /// Brings the database to the schema this store expects; to be run before anything else.
    public let migrator: Migrator

    /// Does not connect yet.
    /// - Throws: `StorageError` with `.databaseFailure` for a connection string that can't be understood.
    public init(configuration: Configuration, logger: Logger) throws {
        do {
            var database = PostgresConfiguration(
                connectionString: configuration.connectionString, poolSize: configuration.poolSize,
                acquireTimeout: configuration.acquireTimeout)
            // Where commits are announced, one that lands late is too. Elsewhere its caller is the one who knows of it.
            database.awaitsLostCommits = !configuration.announcesOwnWrites
            if configuration.ownsCluster {
                var administration = database
                administration.poolSize = 1
                self.administrator = try PostgresClient(configuration: administration, logger: logger)
                // Of a keyword that comes twice libpq takes the last.
                database.connectionString += " user=\(Migrator.requestLogin)"
                self.client = try PostgresClient(configuration: database, logger: logger)
            } else {
                self.client = try PostgresClient(configuration: database, logger: logger)
                self.administrator = client
            }
        } catch let error as PostgresError {
            throw ErrorMapping.storageError(error)
        }
        self.configuration = configuration
        self.migrator = Migrator(client: administrator, ownsCluster: configuration.ownsCluster, logger: logger)
    }

    /// Waits for the graceful shutdown, lets transactions finish and closes the connections.
    public func run() async throws {
        do {
            try await client.run()
        } catch {
            await administrator.shutdown()
            throw error
        }
        await administrator.shutdown()
    }

    /// Lets transactions finish and closes the connections, for use outside of a `ServiceGroup`.
    public func shutdown() async {
        await client.shutdown()
        await administrator.shutdown()
    }

    /// Whether a role sees every object: no policy binds it, and it has the right to read.
    public func readsEverything(as role: String) async throws -> Bool {
        try await transaction([.scope(system(.upkeep)), .run(Self.readEverything, role)]) {
            try $0[0].optionalRow()?.bool(0) ?? false
        }
    }

    public func ping() async throws {
        let isCurrent = try await transaction([
            .scope(system(.upkeep)), .run(Self.readMigration, Parameter.int(Migration.newest)),
        ]) {
            try $0[0].onlyRow().bool(0)
        }
        guard isCurrent else {
            throw StorageError(.databaseSchema, "The database is not migrated to this version")
        }
    }

    private static let readEverything = SQL(
        "role_reads_everything",
        """
        SELECT (r.rolbypassrls OR r.rolsuper) AND has_table_privilege(r.oid, 'storage.objects', 'SELECT')
            AND has_table_privilege(r.oid, 'storage.buckets', 'SELECT')
        FROM pg_roles AS r
        WHERE r.rolname = $1
        """)

    private static let readMigration = SQL(
        "ping", "SELECT EXISTS (SELECT FROM magpie.migrations WHERE number = $1::int)")
}

extension PostgresMetadataStore {
    /// One round trip: runs the steps, ends the transaction and reads the results.
    /// - Parameter subject: what a violated constraint is about.
    func transaction<Value>(
        _ steps: [Step], ending: TransactionEnd = .commit, about subject: ErrorMapping.Subject = .nothing,
        _ read: ([ResultSet]) throws -> Value
    ) async throws -> Value {
        try await mappingErrors(about: subject) { try read(await client.transaction(steps, ending: ending)) }
    }

    /// Turns what the driver throws into the core's words, once.
    func mappingErrors<Value>(about subject: ErrorMapping.Subject = .nothing, _ body: () async throws -> Value) async throws
        -> Value
    {
        do {
            return try await body()
        } catch let error as PostgresError {
            throw ErrorMapping.storageError(error, about: subject)
        }
    }
}
