// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Puts that share a transaction.
    @Suite struct GroupsOfPuts {
        private static let count = SQL("test_count_rows", "SELECT count(*) FROM storage.objects")
        private static let lockAddress = SQL("test_lock_address", "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")

        private func onPostgres(_ body: (StoreFixture, PostgresMetadataStore) async throws -> Void) async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { store in try await body(fixture, store) }
            }
        }

        private func puts(_ objects: [NewObject], _ mode: PutMode = .replace) -> [PutGroups.Put] {
            objects.map { PutGroups.Put(object: $0, mode: mode) }
        }

        /// The keys of the puts that were written.
        private func written(_ turns: [PutGroups.Turn]) -> [String] {
            turns.compactMap { turn in
                guard case .written(let record) = turn else { return nil }
                return record.address.key.rawValue
            }
        }

        private func isAlone(_ turn: PutGroups.Turn) -> Bool {
            if case .alone = turn { true } else { false }
        }

        @Test(arguments: [PutMode.create, .replace])
        func aGroupWritesWhatEachPutWouldHaveWritten(_ mode: PutMode) async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                try await fixture.makeBucket("other")
                let objects = [
                    fixture.newObject("a", owner: StoreFixture.alice, userMetadata: #"{"k":"\"{1,\\2}"}"#),
                    fixture.newObject("b \"quoted\", {NULL}\\"), fixture.newObject("a", in: "other", owner: "not-a-uuid"),
                ]

                let turns = await store.write(puts(objects, mode))

                #expect(turns.count == 3)
                for (turn, object) in zip(turns, objects) {
                    guard case .written(let record) = turn else {
                        Issue.record("not written: \(turn)")
                        continue
                    }
                    #expect(record.address == object.address && record.version == object.version)
                    #expect(record.ownerID == object.ownerID && record.owner == ObjectColumns.owner(of: object.ownerID))
                    let found = try await store.object(at: object.address, access: .policy(fixture.service))
                    #expect(found.record == record && found.blob == object.blob)
                }
            }
        }

        @Test func aGroupOverwritesAsASinglePutDoes() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                let first = try await fixture.put("a")

                let turns = await store.write(puts([fixture.newObject("a"), fixture.newObject("b")]))

                #expect(written(turns) == ["a", "b"])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [first]))
            }
        }

        @Test func aGroupKeepsVersionsWhereTheBucketDoes() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeVersionedBucket()
                try await fixture.makeBucket("plain")
                let first = try await fixture.put("a")
                let second = fixture.newObject("a")

                let turns = await store.write(puts([fixture.newObject("x", in: "plain"), second]))

                #expect(written(turns) == ["x", "a"])
                guard case .written(let record) = turns[1] else { return }
                #expect(try await fixture.versions(of: [first, record]) == ["a v1 latest", "a v0"])
                #expect(try await fixture.dueDeletions().isEmpty)
            }
        }

        @Test func aGroupTakesThePlaceOfTheNullVersionBehindAMarker() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                let first = try await fixture.put("a")
                try await fixture.setVersioning(.enabled)
                _ = try await fixture.delete("a")
                try await fixture.setVersioning(.suspended)

                let turns = await store.write(puts([fixture.newObject("a"), fixture.newObject("b")]))

                #expect(written(turns) == ["a", "b"])
                #expect(try await fixture.dueDeletions() == blobKeys(of: [first]))
            }
        }

        @Test func aTakenKeyIsLeftOutOfAGroup() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                let first = try await fixture.put("a")

                let turns = await store.write(puts([fixture.newObject("a"), fixture.newObject("b")], .create))

                #expect(isAlone(turns[0]) && written(turns) == ["b"])
                let found = try await store.object(at: fixture.address("a"), access: .policy(fixture.service))
                #expect(found.record == first)
            }
        }

        @Test func anAddressThatIsLockedIsNotWaitedFor() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                let group = puts([fixture.newObject("a"), fixture.newObject("b")])

                try await store.administrator.withTransaction(ending: .rollback) { transaction in
                    _ = try await transaction.run([.run(Self.lockAddress, "photos/a")])
                    let turns = await store.write(group)
                    #expect(isAlone(turns[0]) && written(turns) == ["b"])
                }
            }
        }

        @Test func aRowInAnotherStateThanWasTriedIsLeftOut() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                try await fixture.allow([.select, .insert, .update])
                try await fixture.put(all: ["a", "b"])
                var objects: [NewObject] = []
                for key in ["a", "b", "c"] {
                    var object = fixture.newObject(key)
                    object.trial = try await store.checkPut(fixture.draft(key), mode: .replace, as: fixture.alice)
                    objects.append(object)
                }
                try await fixture.put("b")

                let turns = await store.write(puts(objects))

                #expect(isAlone(turns[1]) && written(turns) == ["a", "c"])
            }
        }

        @Test func onlyThePutAtFaultFails() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                let objects = (0..<20).map { fixture.newObject("\($0)", in: $0 == 7 ? "none" : "photos") }

                let codes = await withTaskGroup(of: (Int, StorageError.Code?).self) { tasks in
                    for (index, object) in objects.enumerated() {
                        tasks.addTask {
                            let error = await failure {
                                try await store.commitPut(object, mode: .replace, facts: fixture.facts)
                            }
                            return (index, error?.code)
                        }
                    }
                    return await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }

                #expect(codes == [7: .relatedResourceMissing])
                let rows = try await store.administrator.transaction([.run(Self.count)], ending: .commit)
                #expect(try rows[0].onlyRow().int64(0) == 19)
            }
        }

        @Test func manyAtOnceLoseNothing() async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                let objects = (0..<240).map { fixture.newObject("\($0 % 80)") }

                let records = try await withThrowingTaskGroup(of: ObjectRecord.self) { tasks in
                    for object in objects {
                        tasks.addTask { try await store.commitPut(object, mode: .replace, facts: fixture.facts) }
                    }
                    return try await tasks.reduce(into: []) { $0.append($1) }
                }

                #expect(Set(records.compactMap(\.version)) == Set(objects.map(\.version)))
                var current: Set<BlobKey> = []
                for key in 0..<80 {
                    let found = try await store.object(at: fixture.address("\(key)"), access: .policy(fixture.service))
                    let blob = try #require(found.blob)
                    current.insert(blob.key)
                }
                // Every version is either the row's or to be deleted, and none is both.
                #expect(current.count == 80)
                #expect(try await fixture.dueDeletions() == blobKeys(of: records).subtracting(current))
            }
        }

        @Test(arguments: [
            """
            CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
            CREATE TRIGGER watch BEFORE INSERT ON storage.objects FOR EACH ROW EXECUTE FUNCTION public.watch()
            """,
            "ALTER TABLE storage.objects ADD CONSTRAINT watch CHECK (current_setting('request.path', true) <> 'x')",
            "ALTER TABLE storage.objects ADD COLUMN watch text DEFAULT current_setting('request.path', true)",
            "CREATE RULE watch AS ON INSERT TO storage.objects DO ALSO SELECT 1",
            "ALTER ROLE service_role NOBYPASSRLS",
        ])
        func whoeverWatchesSinglePutsSeesSinglePuts(_ script: String) async throws {
            try await onPostgres { fixture, store in
                try await fixture.makeBucket()
                // A script's transaction ends with its connection: here nothing of the change stays.
                try await store.administrator.withTransaction(ending: .rollback) { transaction in
                    let statements = script.components(separatedBy: ";\n")
                    for (index, statement) in statements.enumerated() {
                        _ = try await transaction.run([.run(SQL("test_watch_\(index)_\(statement.hashValue)", statement))])
                    }
                    let watched = SQL("test_watched", "SELECT magpie.puts_are_watched()")
                    let rows = try await transaction.run([.scope(store.system(fixture.facts)), .run(watched)])
                    #expect(try rows[0].onlyRow().bool(0))
                }
                let unwatched = SQL("test_unwatched", "SELECT magpie.puts_are_watched()")
                let rows = try await store.administrator.transaction(
                    [.scope(store.system(fixture.facts)), .run(unwatched)], ending: .rollback)
                #expect(try !rows[0].onlyRow().bool(0))
            }
        }

        @Test func aTriggerSeesTheRequestOfEachPut() async throws {
            try await onPostgres { fixture, shared in
                try await fixture.makeBucket()
                // A store that forgets with this test that it met a watcher.
                let store = try PostgresMetadataStore(configuration: shared.configuration, logger: TestLog.quiet)
                try await shared.administrator.execute(
                    script: """
                        CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN
                            NEW.user_metadata := jsonb_build_object('path', current_setting('request.path', true));
                            RETURN NEW;
                        END
                        $$;
                        CREATE TRIGGER watch BEFORE INSERT ON storage.objects FOR EACH ROW EXECUTE FUNCTION public.watch()
                        """)
                let objects = (0..<20).map { fixture.newObject("\($0)") }
                let result: Result<[String: String], any Error>
                do {
                    let paths = try await withThrowingTaskGroup(of: ObjectRecord.self) { tasks in
                        for object in objects {
                            let facts = RequestFacts(
                                operation: Operation("storage.object.test"), method: "PUT",
                                path: "/\(object.address.key.rawValue)",
                                headers: [])
                            tasks.addTask { try await store.commitPut(object, mode: .replace, facts: facts) }
                        }
                        return try await tasks.reduce(into: [:]) {
                            $0[$1.address.key.rawValue] = $1.userMetadata?.rawValue
                        }
                    }
                    result = .success(paths)
                } catch {
                    result = .failure(error)
                }
                await store.shutdown()
                try await shared.administrator.execute(
                    script: "DROP TRIGGER watch ON storage.objects; DROP FUNCTION public.watch()")

                let expected = objects.map { ($0.address.key.rawValue, #"{"path": "/\#($0.address.key.rawValue)"}"#) }
                #expect(try result.get() == Dictionary(uniqueKeysWithValues: expected))
            }
        }
    }
}

/// Who leads, who waits and who goes alone.
@Suite struct PutGroupsTests {
    private func put(_ key: String) -> PutGroups.Put {
        let version = ObjectVersion()
        return PutGroups.Put(
            object: NewObject(
                address: ObjectAddress(bucket: BucketID(stored: "photos"), key: ObjectKey(stored: key)), version: version,
                ownerID: nil, metadata: .emptyObject, userMetadata: nil,
                blob: BlobLocation(backend: .managed, key: BlobKey(version.rawValue), size: 0, md5: nil, checksums: [:])),
            mode: .replace)
    }

    /// The keys of the group that the put has to write; nil when it has not.
    private func led(_ turn: PutGroups.Turn) -> [String]? {
        guard case .leads(let group) = turn else { return nil }
        return group.map(\.put.object.address.key.rawValue)
    }

    /// Joins while there is no room. - Returns: the task that waits, once it does.
    private func wait(_ key: String, _ groups: PutGroups) async -> Task<PutGroups.Turn, Never> {
        let before = groups.waitingCount
        let put = put(key)
        let task = Task { await groups.join(put) }
        while groups.waitingCount == before { await Task.yield() }
        return task
    }

    @Test func whoFindsRoomWritesAtOnce() async {
        let groups = PutGroups(mostUnderway: 2)

        #expect(led(await groups.join(put("a"))) == ["a"])
        #expect(led(await groups.join(put("b"))) == ["b"])
    }

    @Test func theFirstOfThoseWhoWaitLeadsTheRest() async {
        let groups = PutGroups(mostUnderway: 1)
        _ = await groups.join(put("a"))
        let second = await wait("b", groups)
        let third = await wait("c", groups)

        groups.next()
        guard case .leads(let group) = await second.value else {
            Issue.record("nobody leads")
            return
        }
        group.last?.settle(.alone)

        #expect(group.map(\.put.object.address.key.rawValue) == ["b", "c"])
        if case .alone = await third.value {} else { Issue.record("not told") }
    }

    @Test func twoPutsOfAnAddressAreNotOfOneGroup() async {
        let groups = PutGroups(mostUnderway: 1)
        _ = await groups.join(put("a"))
        let tasks = [await wait("b", groups), await wait("b", groups), await wait("c", groups)]

        groups.next()
        guard case .leads(let group) = await tasks[0].value else {
            Issue.record("nobody leads")
            return
        }
        group.last?.settle(.alone)
        groups.next()

        #expect(group.map(\.put.object.address.key.rawValue) == ["b", "c"])
        #expect(led(await tasks[1].value) == ["b"])
        _ = await tasks[2].value
    }

    @Test func thereIsRoomAgainBehindTheLastGroup() async {
        let groups = PutGroups(mostUnderway: 1)
        _ = await groups.join(put("a"))
        groups.next()

        #expect(led(await groups.join(put("b"))) == ["b"])
    }

    @Test func inAPauseEverybodyGoesAlone() async {
        let groups = PutGroups(mostUnderway: 1)
        groups.pause(for: .seconds(3600))
        if case .alone = await groups.join(put("a")) {} else { Issue.record("not alone") }

        groups.pause(for: .zero)
        #expect(led(await groups.join(put("a"))) == ["a"])
    }
}
