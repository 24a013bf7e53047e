// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    @Suite struct Uploads {
        private static let now = Timestamp(seconds: 1_800_000_000)

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aNewUploadIsReadAsItWasWritten(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                var session = Self.session(fixture, "a/é", owner: StoreFixture.alice)
                session.userMetadata = JSONText(trusted: #"{"a": "b"}"#)
                session.attributes = JSONText(trusted: #"{"z": 1,  "a": "x"}"#)
                session.details.xRobotsTag = "noindex"
                session.length = 12
                session.expiresAt = Timestamp(microseconds: 1_800_000_000_123_456)

                try await fixture.store.createUpload(session)

                #expect(try await fixture.store.upload(session.id) == session)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUploadIntoNoBucketIsRefused(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                #expect(
                    await failure { try await fixture.store.createUpload(Self.session(fixture, "a")) }?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUnknownUploadIsNotFoundByAnything(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (store, id) = (fixture.store, UploadID("nobody's"))
                let progress = UploadProgress(id: id, writer: 0, from: 0, to: 1, digest: .empty)

                #expect(await failure { try await store.upload(id) }?.code == .uploadNotFound)
                #expect(await failure { try await store.claimUpload(id, at: 0) }?.code == .uploadNotFound)
                #expect(await failure { try await store.advanceUpload(progress) }?.code == .uploadNotFound)
                #expect(await failure { try await store.recordPart(Self.part(1), of: id) }?.code == .uploadNotFound)
                #expect(await failure { try await store.deleteUpload(id) }?.code == .uploadNotFound)
                let parts = try await store.uploadParts(of: id, after: nil, limit: 10)
                #expect(parts.isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func progressIsKeptWithItsPartAndLength(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let session = Self.session(fixture, "a")
                try await fixture.store.createUpload(session)
                let digest = UploadDigest(md5: "00", pieces: 1, crc64nvme: "x")

                try await fixture.store.advanceUpload(
                    UploadProgress(id: session.id, writer: 0, from: 0, to: 7, digest: digest, part: Self.part(1, 7), length: 9))
                try await fixture.store.advanceUpload(
                    UploadProgress(id: session.id, writer: 0, from: 7, to: 9, digest: digest, part: Self.part(1, 9)))

                let read = try await fixture.store.upload(session.id)
                #expect(read.offset == 9 && read.length == 9 && read.digest == digest)
                let parts = try await fixture.store.uploadParts(of: session.id, after: nil, limit: 10)
                let grown = try Self.part(1, 9)
                #expect(parts == [grown])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyTheOffsetThatIsThereCanBeLeft(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let session = Self.session(fixture, "a")
                try await fixture.store.createUpload(session)
                let progress = try UploadProgress(
                    id: session.id, writer: 0, from: 0, to: 5, digest: .empty, part: Self.part(1, 5))

                let wins = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<8 {
                        group.addTask { await failure { try await fixture.store.advanceUpload(progress) } == nil }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }

                #expect(wins == 1)
                #expect(await failure { try await fixture.store.advanceUpload(progress) }?.code == .uploadOffsetMismatch)
                #expect(try await fixture.store.upload(session.id).offset == 5)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aWriterThatWasSupersededAcknowledgesNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let session = Self.session(fixture, "a")
                try await fixture.store.createUpload(session)
                let (store, id) = (fixture.store, session.id)

                let claimed = try await store.claimUpload(id, at: 0)

                #expect(claimed.writer == session.writer + 1)
                let stale = UploadProgress(id: id, writer: session.writer, from: 0, to: 5, digest: .empty)
                #expect(await failure { try await store.advanceUpload(stale) }?.code == .uploadOffsetMismatch)
                #expect(await failure { try await store.claimUpload(id, at: 1) }?.code == .uploadOffsetMismatch)
                try await store.advanceUpload(
                    UploadProgress(id: id, writer: claimed.writer, from: 0, to: 5, digest: .empty))
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func partsAreReplacedAndPaged(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let session = Self.session(fixture, "a", kind: .parts)
                try await fixture.store.createUpload(session)
                for number in [3, 10, 1, 2] { try await fixture.store.recordPart(Self.part(number), of: session.id) }

                try await fixture.store.recordPart(Self.part(2, 99), of: session.id)

                let first = try await fixture.store.uploadParts(of: session.id, after: nil, limit: 2)
                let rest = try await fixture.store.uploadParts(of: session.id, after: try PartNumber(2), limit: 10)
                let (expectedFirst, expectedRest) = (
                    [try Self.part(1), try Self.part(2, 99)], [try Self.part(3), try Self.part(10)]
                )
                #expect(first == expectedFirst)
                #expect(rest == expectedRest)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theRowAndTheEndOfTheUploadAreOne(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let session = Self.session(fixture, "a")
                try await fixture.store.createUpload(session)
                let object = Self.object(session)

                let record = try await fixture.store.commitPut(object, mode: .create, facts: fixture.facts)

                #expect(record.version == session.id.version)
                let read = try await fixture.store.upload(session.id)
                #expect(read.isComplete && read.expiresAt == Self.now)
                let readable = try await fixture.store.object(at: session.address, access: .policy(fixture.service))
                #expect(readable.blob?.checksums == ["CRC64NVME": "AAAAAAAAAAA="])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUploadEndsOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let (store, session) = (fixture.store, Self.session(fixture, "a"))
                try await store.createUpload(session)
                _ = try await store.commitPut(Self.object(session), mode: .replace, facts: fixture.facts)

                var again = Self.object(session)
                again.version = ObjectVersion()
                again.blob.key = BlobKey(again.version.rawValue)
                #expect(
                    await failure { try await store.commitPut(again, mode: .replace, facts: fixture.facts) }?.code
                        == .uploadComplete)
                let progress = UploadProgress(id: session.id, writer: 0, from: 0, to: 1, digest: .empty)
                #expect(await failure { try await store.advanceUpload(progress) }?.code == .uploadComplete)
                #expect(await failure { try await store.deleteUpload(session.id) }?.code == .uploadComplete)
                #expect(await failure { try await store.recordPart(Self.part(1), of: session.id) }?.code == .uploadComplete)
                #expect(
                    try await store.object(at: session.address, access: .policy(fixture.service)).record.version
                        == session.id.version)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aWriterThatWasSupersededWritesNoObject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let (store, session) = (fixture.store, Self.session(fixture, "a"))
                try await store.createUpload(session)
                let claimed = try await store.claimUpload(session.id, at: 0)

                #expect(
                    await failure { try await store.commitPut(Self.object(session), mode: .create, facts: fixture.facts) }?.code
                        == .uploadNotFound)

                #expect(try await !store.upload(session.id).isComplete)
                _ = try await store.commitPut(Self.object(claimed), mode: .create, facts: fixture.facts)
                // Once there is the object, whose it was is no question any more.
                var again = Self.object(session)
                again.version = ObjectVersion()
                again.blob.key = BlobKey(again.version.rawValue)
                #expect(
                    await failure { try await store.commitPut(again, mode: .replace, facts: fixture.facts) }?.code
                        == .uploadComplete)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aClaimAndTheEndOfAnUploadAreNeverBoth(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                for round in 0..<10 {
                    let (store, session) = (fixture.store, Self.session(fixture, "k\(round)"))
                    try await store.createUpload(session)

                    async let claim = failure { _ = try await store.claimUpload(session.id, at: 0) }
                    async let commit = failure {
                        _ = try await store.commitPut(Self.object(session), mode: .create, facts: fixture.facts)
                    }
                    let (refusedClaim, refusedCommit) = await (claim, commit)

                    // Who came first decides; the other is told.
                    #expect((refusedClaim == nil) != (refusedCommit == nil), "round \(round)")
                    #expect(try await store.upload(session.id).isComplete == (refusedCommit == nil), "round \(round)")
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUploadThatWasGivenUpWritesNoObject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let (store, session) = (fixture.store, Self.session(fixture, "a"))
                try await store.createUpload(session)

                #expect(try await store.deleteUpload(session.id) == session)

                #expect(
                    await failure { try await store.commitPut(Self.object(session), mode: .create, facts: fixture.facts) }?.code
                        == .uploadNotFound)
                #expect(
                    await failure { try await store.object(at: session.address, access: .policy(fixture.service)) }?.code
                        == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTakenKeyLeavesTheUpload(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let (store, session) = (fixture.store, Self.session(fixture, "a"))
                try await store.createUpload(session)
                try await fixture.put("a")

                #expect(
                    await failure { try await store.commitPut(Self.object(session), mode: .create, facts: fixture.facts) }?.code
                        == .objectExists)

                #expect(try await store.upload(session.id) == session)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aListHasTheUploadsUnderWayInOrder(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                var ids: [String: [UploadID]] = [:]
                for key in ["b/2", "a", "b/1", "b/1", "c"] {
                    let session = Self.session(fixture, key, kind: .parts, owner: key == "c" ? StoreFixture.bob : nil)
                    try await fixture.store.createUpload(session)
                    ids[key, default: []].append(session.id)
                }
                try await fixture.store.createUpload(Self.session(fixture, "b/0", kind: .appended))
                var expired = Self.session(fixture, "b/3", kind: .parts)
                expired.expiresAt = Self.now
                try await fixture.store.createUpload(expired)
                let bucket = BucketID(stored: "photos")
                let twins = try #require(ids["b/1"]).sorted { $0.rawValue < $1.rawValue }

                func keys(_ query: UploadQuery) async throws -> [String] {
                    try await fixture.store.uploads(matching: query, now: Self.now).map(\.address.key.rawValue)
                }
                #expect(try await keys(UploadQuery(bucket: bucket, kind: .parts)) == ["a", "b/1", "b/1", "b/2", "c"])
                #expect(try await keys(UploadQuery(bucket: bucket, kind: .parts, prefix: "b/")) == ["b/1", "b/1", "b/2"])
                #expect(try await keys(UploadQuery(bucket: bucket, kind: .parts, keyMarker: "b/1")) == ["b/2", "c"])
                #expect(
                    try await keys(UploadQuery(bucket: bucket, kind: .parts, keyMarker: "b/1", idMarker: twins[0], limit: 2))
                        == ["b/1", "b/2"])
                #expect(
                    try await keys(UploadQuery(bucket: bucket, kind: .parts, owner: .subject(StoreFixture.bob))) == ["c"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func pagesOfAListHaveEveryUploadOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                var ids: Set<UploadID> = []
                for key in ["a", "b/", "b/1", "b/1", "b/1", "b/1\u{10FFFF}", "b0", "ü"] {
                    let session = Self.session(fixture, key, kind: .parts)
                    try await fixture.store.createUpload(session)
                    ids.insert(session.id)
                }

                for limit in 1...3 {
                    var query = UploadQuery(bucket: BucketID(stored: "photos"), kind: .parts, limit: limit)
                    var seen: [UploadID] = []
                    while let last = try await fixture.store.uploads(matching: query, now: Self.now).last {
                        seen += try await fixture.store.uploads(matching: query, now: Self.now).map(\.id)
                        (query.keyMarker, query.idMarker) = (last.address.key.rawValue, last.id)
                    }
                    #expect(Set(seen) == ids && seen.count == ids.count, "pages of \(limit)")
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func manyUploadsAreRemovedAtOnceExceptThoseThatAreObjects(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let store = fixture.store
                var sessions: [UploadSession] = []
                for key in ["a", "b", "c", "d"] {
                    sessions.append(Self.session(fixture, key, kind: .parts))
                    try await store.createUpload(sessions[sessions.count - 1])
                    try await store.recordPart(Self.part(1), of: sessions[sessions.count - 1].id)
                }
                _ = try await store.commitPut(Self.object(sessions[1]), mode: .create, facts: fixture.facts)

                let asked = sessions.prefix(3).map(\.id) + [UploadID("nobody's")]
                let removed = try await store.deleteUploads(asked)

                #expect(Set(removed.map(\.id)) == [sessions[0].id, sessions[2].id])
                let (parts, again) = (
                    try await store.uploadParts(of: sessions[0].id, after: nil, limit: 9), try await store.deleteUploads(asked)
                )
                #expect(parts.isEmpty && again.isEmpty)
                #expect(try await store.upload(sessions[1].id).isComplete)
                #expect(try await store.upload(sessions[3].id) == sessions[3])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theBucketsOfOldUploadsAreFound(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                for name in ["zoo", "Box", "alb", "new"] { try await fixture.makeBucket(name) }
                func begin(_ bucket: String, _ kind: UploadSession.Kind, age: Int64) async throws -> UploadSession {
                    var session = Self.session(fixture, "k", kind: kind)
                    session.address.bucket = BucketID(stored: bucket)
                    session.createdAt = Self.now.adding(seconds: -age)
                    try await fixture.store.createUpload(session)
                    return session
                }
                for bucket in ["zoo", "zoo", "Box"] { _ = try await begin(bucket, .parts, age: 10) }
                _ = try await begin("new", .parts, age: 5)
                _ = try await begin("alb", .appended, age: 10)
                _ = try await fixture.store.commitPut(
                    Self.object(try await begin("alb", .parts, age: 10)), mode: .create, facts: fixture.facts)

                let found = try await fixture.store.bucketsWithUploads(.parts, startedBefore: Self.now.adding(seconds: -5))

                #expect(found.map(\.rawValue) == ["Box", "zoo"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func expiredUploadsAreTakenOnce(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                for index in 0..<12 {
                    var session = Self.session(fixture, "k\(index)")
                    session.expiresAt = Self.now.adding(seconds: index < 10 ? 0 : 1)
                    try await fixture.store.createUpload(session)
                }
                try await fixture.store.createUpload(Self.session(fixture, "forever"))

                let taken = try await withThrowingTaskGroup(of: [UploadID].self) { group in
                    for _ in 0..<6 {
                        group.addTask { try await fixture.store.takeExpiredUploads(now: Self.now, limit: 3).map(\.id) }
                    }
                    return try await group.reduce(into: [UploadID]()) { $0 += $1 }
                }
                let rest = try await fixture.store.takeExpiredUploads(now: Self.now, limit: 99).map(\.id)

                #expect(Set(taken + rest).count == 10)
                #expect(taken.count + rest.count == 10)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whatAnUploadHasInItsBackendIsKnown(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                let session = Self.session(fixture, "a")
                try await fixture.store.createUpload(session)
                let orphan = MultipartID("orphan")

                let multiparts = [session.multipart, orphan]
                #expect(try await fixture.store.unknownMultiparts(among: multiparts, in: .managed) == [orphan])
                #expect(try await fixture.store.unknownMultiparts(among: multiparts, in: BackendID("other")) == multiparts)
                #expect(try await fixture.store.unknownBlobs(among: [session.id.blobKey], in: .managed).isEmpty)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUploadUnderWayKeepsNoBucket(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let session = Self.session(fixture, "a")
                try await fixture.store.createUpload(session)
                try await fixture.store.recordPart(Self.part(1), of: session.id)

                try await fixture.store.deleteBucket(bucket, as: fixture.service)

                #expect(await failure { try await fixture.store.upload(session.id) }?.code == .uploadNotFound)
                #expect(
                    try await fixture.store.unknownMultiparts(among: [session.multipart], in: .managed) == [session.multipart])
            }
        }

        private static func session(
            _ fixture: StoreFixture, _ key: String, kind: UploadSession.Kind = .appended, owner: String? = nil
        ) -> UploadSession {
            let id = UploadID()
            return UploadSession(
                id: id, kind: kind, address: fixture.address(key), backend: .managed, multipart: MultipartID("m-\(id)"),
                ownerID: owner, role: "authenticated", mode: .replace,
                details: ObjectMetadata(mimetype: "image/png", cacheControl: "no-cache"),
                createdAt: now)
        }

        private static func part(_ number: Int, _ size: Int64 = 3) throws -> UploadPart {
            UploadPart(
                blob: BlobPart(number: try PartNumber(number), size: size, tag: "t\(size)"), md5: "aa",
                checksums: ["CRC32": "AAAAAA=="], createdAt: now)
        }

        private static func object(_ session: UploadSession) -> NewObject {
            NewObject(
                address: session.address, version: session.id.version, ownerID: nil, metadata: session.details.json,
                userMetadata: nil,
                blob: BlobLocation(
                    backend: .managed, key: session.id.blobKey, size: 0, md5: nil, checksums: ["CRC64NVME": "AAAAAAAAAAA="]),
                completing: UploadCompletion(id: session.id, writer: session.writer, keptUntil: now))
        }
    }
}
