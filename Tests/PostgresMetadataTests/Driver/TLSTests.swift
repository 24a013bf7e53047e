// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import PostgresMetadata

/// Over TLS a part of what has arrived may wait inside the library, unseen by epoll.
@Suite struct TLSTests {
    @Test func largeValuesGoBothWaysOverTLS() async throws {
        let server = try await TLSServer.start()
        defer { server.process.interrupt() }
        var configuration = PostgresConfiguration(connectionString: server.connectionString, poolSize: 2)
        configuration.connectTimeout = .seconds(30)
        let client = try PostgresClient(configuration: configuration, logger: TestLog.quiet)
        let echo = SQL("test_echo", "SELECT $1::text, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())")

        // Sizes around those of a TLS record, of libpq's buffer and of several of them.
        for size in [0, 8_191, 8_192, 16_000, 16_384, 16_385, 32_768, 65_536, 1_048_577, 10_485_760] {
            let text = String(repeating: "x", count: size)
            let rows = try await client.transaction([.run(echo, text), .run(echo, "short")], ending: .commit)
            #expect(try rows[0].onlyRow().string(0) == text)
            #expect(try rows[1].onlyRow().bool(1))
        }
        await client.shutdown()
    }
}

/// A Postgres with a certificate of its own on a loopback port.
private struct TLSServer {
    let process: Process
    let connectionString: String

    static func start() async throws -> TLSServer {
        let directory = Scratch.makeDirectory("tls")
        let account = try ServerAccount.toBecome()
        let cluster = try ClusterDirectory(dataDirectory: directory, account: account)
        try cluster.prepare()
        let launch = try await Launch.prepare(
            EmbeddedPostgresConfiguration(dataDirectory: directory, durability: .none), directory: cluster, account: account,
            logger: TestLog.quiet)
        ExitCleanup.stopAndRemove(directory)
        let (key, certificate) = (cluster.root + "/key.pem", cluster.root + "/certificate.pem")
        try await ChildProcess.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", key,
            "-out",
            certificate)
        if let account { try await ChildProcess.run("chown", "\(account.userID)", key, certificate) }
        let port = try LoopbackSocket().port
        let settings = [
            "ssl=on", "ssl_key_file=../key.pem", "ssl_cert_file=../certificate.pem", "listen_addresses=127.0.0.1", "port=\(port)",
        ]
        let process = try ChildProcess.start(
            launch.supervisor.entrance.prefix + launch.supervisor.command + settings.flatMap { ["-c", $0] })
        return TLSServer(
            process: process,
            connectionString: "postgres://postgres@127.0.0.1:\(port)/postgres?sslmode=require")
    }
}
