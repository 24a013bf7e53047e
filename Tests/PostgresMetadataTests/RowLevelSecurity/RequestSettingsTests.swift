// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// What policies may read of a request, and that nothing of it stays on a connection.
    @Suite struct RequestSettings {
        private static let settings = [
            "role", "request.jwt.claim.role", "request.jwt", "request.jwt.claim.sub", "request.jwt.claims", "request.headers",
            "request.method", "request.path", "storage.operation", "storage.allow_delete_query", "search_path",
        ]

        private static let read = SQL(
            "test_settings", "SELECT current_setting(s, true) FROM unnest($1::text[]) WITH ORDINALITY AS t (s, n) ORDER BY n")

        private func values(_ store: PostgresMetadataStore, _ scope: Scope?) async throws -> [String: String] {
            var steps: [Step] = [.run(Self.read, Parameter.strings(Self.settings))]
            if let scope { steps.insert(.scope(scope), at: 0) }
            let rows = try await store.administrator.transaction(steps, ending: .commit)[0].rows
            return Dictionary(uniqueKeysWithValues: zip(Self.settings, try rows.map { try $0.optionalString(0) ?? "" }))
        }

        @Test func aPolicySeesTheWholeRequest() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { store in
                    var caller = fixture.alice
                    caller.facts = RequestFacts(
                        operation: Operation("storage.object.list"), method: "POST", path: "/object/list/b?x=1",
                        headers: [("x-a", "1"), ("x-a", "2"), ("user-agent", #"q"u\o"#)])

                    let values = try await values(store, store.scope(caller))

                    #expect(values["role"] == "authenticated" && values["request.jwt.claim.role"] == "authenticated")
                    #expect(values["request.jwt"] == "token" && values["request.jwt.claim.sub"] == StoreFixture.alice)
                    #expect(values["request.jwt.claims"] == caller.principal.claims.rawValue)
                    #expect(values["request.headers"] == #"{"x-a":"1, 2","user-agent":"q\"u\\o"}"#)
                    #expect(values["request.method"] == "POST" && values["request.path"] == "/object/list/b?x=1")
                    #expect(
                        values["storage.operation"] == "storage.object.list" && values["storage.allow_delete_query"] == "true")
                    #expect(values["search_path"] == "storage, public, extensions")
                }
            }
        }

        @Test func nothingOfARequestStaysOnTheConnection() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { store in
                    for _ in 0..<8 {
                        _ = try await values(store, store.scope(fixture.alice))
                        let after = try await values(store, nil)
                        #expect(after["role"] == "none" && after["request.jwt.claims"] == "" && after["request.jwt"] == "")
                        #expect(after["storage.allow_delete_query"] == "")
                    }
                }
            }
        }

        @Test func aCallerWithoutASubjectHasNone() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { store in
                    let uid = SQL("test_uid", "SELECT auth.uid(), auth.role(), auth.jwt() ->> 'role', auth.email()")
                    let rows = try await store.administrator.transaction(
                        [.scope(store.scope(fixture.anon)), .run(uid), .scope(store.scope(fixture.bob)), .run(uid)],
                        ending: .rollback)
                    let (anon, bob) = (try rows[0].onlyRow(), try rows[1].onlyRow())

                    #expect(try anon.optionalString(0) == nil && anon.string(1) == "anon" && anon.string(2) == "anon")
                    #expect(try bob.string(0) == StoreFixture.bob && bob.string(1) == "authenticated" && bob.isNull(3))
                }
            }
        }

        @Test func aPolicyMayAllowOneOperation() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                try await fixture.put("a")
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            CREATE POLICY lists ON storage.objects FOR SELECT TO authenticated
                            USING (storage.allow_only_operation('object.list'))
                            """)
                }
                let lister = fixture.caller(subject: nil, operation: "storage.object.list")
                let getter = fixture.caller(subject: nil, operation: "storage.object.get_authenticated")

                #expect(try await fixture.store.folder(FolderQuery(prefix: ""), in: bucket, as: lister).map(\.name) == ["a"])
                let error = await failure { try await fixture.store.object(at: fixture.address("a"), access: .policy(getter)) }
                #expect(error?.code == .objectNotFound)
                let deletion = await failure { try await fixture.store.deleteObject(at: fixture.address("a"), as: lister) }
                #expect(deletion?.message == "Access denied")
            }
        }

        @Test func unprivilegedRolesReachNothingOfMagpie() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { store in
                    for table in ["magpie.blobs", "magpie.blob_deletions", "magpie.migrations"] {
                        for caller in [fixture.anon, fixture.alice] {
                            let select = SQL("test_select_\(table)", "SELECT * FROM \(table)")
                            let error = await failure {
                                try await store.transaction([.scope(store.scope(caller)), .run(select)]) { _ in }
                            }
                            #expect(error?.code == .accessDenied && error?.isPolicyRefusal == false)
                        }
                    }
                }
            }
        }

        @Test func aBrokenPolicyIsTheSchemasFaultAndLeavesPublicBucketsOpen() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket("open", isPublic: true)
                try await fixture.makeBucket("closed")
                try await fixture.put("a", in: "open")
                try await fixture.put("a", in: "closed")
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: """
                            CREATE POLICY recursive ON storage.objects FOR SELECT TO authenticated
                            USING (EXISTS (SELECT FROM storage.objects AS other WHERE other.id = objects.id))
                            """)
                }

                let error = await failure {
                    try await fixture.store.object(at: fixture.address("a", in: "closed"), access: .policy(fixture.alice))
                }
                #expect(error?.code == .databaseSchema)
                _ = try await fixture.store.object(at: fixture.address("a", in: "open"), access: .policy(fixture.alice))
            }
        }

        @Test func aSubjectThatIsNoUUIDFailsAPolicyThatCastsIt() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.onPostgres { store in
                    try await store.administrator.execute(
                        script: "CREATE POLICY own ON storage.objects FOR INSERT WITH CHECK (owner = auth.uid())")
                }
                let caller = fixture.caller(subject: "auth0|1")

                let error = await failure { try await fixture.store.checkPut(fixture.draft("a"), mode: .create, as: caller) }

                #expect(error?.code == .invalidParameter)
            }
        }
    }
}
