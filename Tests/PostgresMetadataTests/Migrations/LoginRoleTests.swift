// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import Testing

@testable import PostgresMetadata

/// Databases whose login is no superuser.
@Suite(.serialized) struct LoginRoleTests {
    /// Makes a login and a database that belongs to it. - Returns: the login's connection string and its name.
    private func makeLogin(
        _ attributes: String, grants: Bool, _ body: (PostgresMetadataStore, String) async throws -> Void
    ) async throws {
        let login = "login_" + UUID().uuidString.prefix(8).lowercased()
        try await TestStore.onEmptyDatabase { admin, database in
            // The roles are the cluster's; another test made them or this one does.
            try await admin.migrator.migrate()
            try await admin.administrator.execute(
                script: """
                    CREATE ROLE \(login) LOGIN \(attributes) PASSWORD 'secret';
                    \(grants ? "GRANT anon, authenticated, service_role, magpie_project TO \(login);" : "")
                    """)
            try await admin.administrator.execute(script: "CREATE DATABASE \(login) OWNER \(login)")
            let name = "dbname=\(login) user=\(login) password=secret"
            let store = try TestStore.make(
                on: database.replacing(#/dbname=\w+/#, with: name).replacing(#/user=postgres/#, with: ""), ownsCluster: false)
            let result: Result<Void, any Error>
            do { result = .success(try await body(store, login)) } catch { result = .failure(error) }
            await store.shutdown()
            try await admin.administrator.execute(script: "DROP DATABASE \(login) WITH (FORCE)")
            try await admin.administrator.execute(script: "DROP ROLE \(login)")
            try result.get()
        }
    }

    @Test(arguments: ["", "NOINHERIT"])
    func aMemberOfTheRolesMigratesAndServes(_ attributes: String) async throws {
        try await makeLogin(attributes, grants: true) { store, _ in
            try await store.migrator.migrate()
            let fixture = StoreFixture(.postgres(store))
            try await fixture.makeBucket()
            try await fixture.put("a", owner: StoreFixture.alice)
            try await fixture.put("a", owner: StoreFixture.alice)
            try await fixture.allow([.select, .insert, .delete], where: .ownerIsCaller)

            try await store.ping()
            #expect(try await store.visibleObject(at: fixture.address("a"), as: fixture.alice).blob != nil)
            #expect(
                await failure { try await store.visibleObject(at: fixture.address("a"), as: fixture.bob) }?.code
                    == .objectNotFound)
            let bucket = BucketID(stored: "photos")
            #expect(try await store.folder(FolderQuery(prefix: ""), in: bucket, as: fixture.alice).map(\.name) == ["a"])
            #expect(try await store.deleteObject(at: fixture.address("a"), as: fixture.alice).ownerID == StoreFixture.alice)
            #expect(try await fixture.dueDeletions().count == 2)
        }
    }

    @Test func aTableOfSomebodyElseIsServedWithoutAnIndexOfOurs() async throws {
        try await makeLogin("NOINHERIT", grants: true) { store, login in
            try await store.migrator.migrate()
            try await store.administrator.execute(
                script: """
                    DROP INDEX IF EXISTS storage.magpie_objects_version;
                    GRANT CREATE ON SCHEMA storage TO service_role;
                    ALTER TABLE storage.objects OWNER TO service_role;
                    DELETE FROM magpie.migrations WHERE number = 6;
                    """)

            #expect(try await store.migrator.migrate().applied == ["magpie_blobs"])

            #expect(
                try await store.column("SELECT coalesce(to_regclass('storage.magpie_objects_version')::text, 'none')") == ["none"]
            )
            let fixture = StoreFixture(.postgres(store))
            try await fixture.deleteNewObjects(["a"])
            #expect(try await fixture.dueDeletions().count == 1)
        }
    }

    @Test func aStrangerIsToldWhatIsMissing() async throws {
        try await makeLogin("", grants: false) { store, login in
            do {
                try await store.migrator.migrate()
                Issue.record("it must be refused")
            } catch let error as Migrator.Failure {
                #expect(error.message == "the role \"\(login)\" may not become \"anon\"")
                #expect(error.hint == "As a superuser: GRANT anon TO \(login)")
            }
        }
    }

    @Test func aTokenDoesNotReachARoleTheLoginIsNoMemberOf() async throws {
        try await makeLogin("", grants: true) { store, _ in
            try await store.migrator.migrate()
            let fixture = StoreFixture(.postgres(store))
            for role in ["postgres", "pg_read_all_data"] {
                let caller = fixture.caller(role: role, subject: nil)
                let error = await failure { try await store.buckets(matching: BucketQuery(), as: caller) }
                #expect(error?.code == .accessDenied && error?.refusal == nil)
            }
        }
    }

    @Test func onAClusterOfItsOwnRequestsDoNotLogInAsTheSuperuser() async throws {
        let boss = "boss_" + UUID().uuidString.prefix(8).lowercased()
        let store = try await TestStore.make(on: TestCluster.shared.makeDatabase(), ownsCluster: true)
        try await store.migrator.migrate()
        try await store.administrator.execute(script: "CREATE ROLE \(boss) SUPERUSER")

        let login = try await store.client.transaction(
            [.run(SQL("login_test", "SELECT rolname, rolsuper FROM pg_roles WHERE rolname = session_user"))], ending: .rollback
        )[0].onlyRow()
        let caller = StoreFixture(.postgres(store)).caller(role: boss, subject: nil)
        let refusal = await failure { try await store.buckets(matching: BucketQuery(), as: caller) }

        try await store.administrator.execute(script: "DROP ROLE \(boss)")
        await store.shutdown()
        #expect(try login.string(0) == "authenticator" && !login.bool(1))
        #expect(refusal?.code == .accessDenied)
    }
}
