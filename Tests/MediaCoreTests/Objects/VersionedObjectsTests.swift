// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

struct VersionedObjectsTests {
    private func versioned() async throws -> CoreFixture {
        let fixture = try await CoreFixture()
        try await fixture.storage.buckets.changeSettings(
            of: fixture.bucket, BucketSettingsChanges(versioning: .enabled), as: CoreFixture.service)
        return fixture
    }

    private static func replacing(_ condition: WriteCondition = .none) -> UploadOptions {
        var options = CoreFixture.options(.replace)
        options.condition = condition
        return options
    }

    @Test func oldBytesAreReadByTheirVersion() async throws {
        let fixture = try await versioned()
        let first = try await fixture.put("one", at: "a")
        try await fixture.put("two", at: "a", options: Self.replacing())
        try await fixture.upkeep.removeDeletedBlobs()
        let id = VersionID.id(try #require(first.version))

        guard
            case .object(let object, id) = try await fixture.storage.delivery.find(
                id, at: fixture.address("a"), access: .policy(CoreFixture.service))
        else {
            Issue.record("no object")
            return
        }
        #expect(try await CoreFixture.text(fixture.storage.delivery.open(object)) == "one")
        #expect(try await fixture.read("a") == "two")
    }

    @Test func aConditionRefusesBeforeTheBodyIsRead() async throws {
        let fixture = try await CoreFixture()
        try await fixture.put("one", at: "a")
        let body = ByteStream(ByteBuffer(string: "two")).failing(afterBytes: 0, with: SampleFailure("the body was read"))
        let upload = Upload(body: body, options: Self.replacing(.ifAbsent))

        let code = await errorCode {
            _ = try await fixture.storage.objects.put(upload, at: fixture.address("a"), access: .policy(CoreFixture.service))
        }
        #expect(code == .preconditionFailed)
        let matching = WriteCondition.ifMatch(.anything)
        #expect(await errorCode { try await fixture.put("x", at: "none", options: Self.replacing(matching)) } == .objectNotFound)
        #expect(try await fixture.blobCount() == 1)
    }

    @Test func ofConcurrentUploadsToAFreeKeyOneWinsAndLeavesOneBlob() async throws {
        let fixture = try await CoreFixture()
        let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<16 {
                group.addTask {
                    await errorCode { try await fixture.put("\(index)", at: "a", options: Self.replacing(.ifAbsent)) } == nil
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
        #expect(try await fixture.blobCount() == 1)
    }

    @Test func checksumsAreKeptWithTheBlobAndRefuseIt() async throws {
        let fixture = try await CoreFixture()
        func put(_ key: String, _ checksums: @escaping @Sendable () throws -> [String: String]) async throws {
            let upload = Upload(
                body: ByteStream(ByteBuffer(string: "x")), options: CoreFixture.options(), checksums: checksums)
            _ = try await fixture.storage.objects.put(upload, at: fixture.address(key), access: .policy(CoreFixture.service))
        }
        try await put("a") { ["CRC32": "AAAAAA=="] }
        let object = try await fixture.storage.delivery.describe(fixture.address("a"), access: .policy(CoreFixture.service))
            .object
        #expect(object.blob?.checksums["CRC32"] == "AAAAAA==")

        let code = await errorCode { try await put("b") { throw StorageError(.digestMismatch, "another checksum") } }
        #expect(code == .digestMismatch)
        #expect(try await fixture.blobCount() == 1)
    }

    @Test func manyDeletionsAnswerInTheirOrder() async throws {
        for isVersioned in [false, true] {
            let fixture = isVersioned ? try await versioned() : try await CoreFixture()
            let first = try await fixture.put("one", at: "a")
            try await fixture.put("two", at: "b")
            let keys = ["none", "a", "b", "a"].map { ObjectKey(stored: $0) }
            var deletions = keys.map { ObjectDeletion(key: $0) }
            deletions[2].condition = .ifMatch(ObjectMatch(field: "\"other\""))
            let results = try await fixture.storage.objects.delete(deletions, in: fixture.bucket, as: CoreFixture.service)

            #expect(results.count == 4)
            #expect(throws: StorageError.self) { try results[2].get() }
            for index in [0, 1, 3] { #expect(try (results[index].get().marker != nil) == isVersioned) }
            #expect(await errorCode { _ = try await fixture.read("a") } == .objectNotFound)
            #expect(try await fixture.read("b") == "two")
            try await fixture.upkeep.removeDeletedBlobs()
            #expect(try await fixture.blobCount() == (isVersioned ? 2 : 1) && first.version != nil)
        }
    }

    @Test func whatACallerMayNotDeleteIsSaid() async throws {
        let fixture = try await CoreFixture()
        let subject = try #require(CoreFixture.caller().principal.subject)
        fixture.metadata.setPolicies([
            Policy(["authenticated"], .select), Policy(["authenticated"], .delete) { $0.object?.ownerID == subject },
        ])
        try await fixture.put("x", at: "service's")
        let deletions = ["service's", "none"].map { ObjectDeletion(key: ObjectKey(stored: $0)) }
        let results = try await fixture.storage.objects.delete(deletions, in: fixture.bucket, as: CoreFixture.caller())

        #expect(throws: StorageError.self) { try results[0].get() }
        #expect(try results[1].get() == DeletionOutcome())
    }

    @Test func aCopyMayOverwriteAllThatIsSaidOfTheBytes() async throws {
        let fixture = try await versioned()
        var upload = CoreFixture.options(metadata: #"{"a":"1"}"#)
        upload.tags = TagSet(stored: ["t": "1"])
        upload.representation.contentEncoding = "gzip"
        let first = try await fixture.put("one", at: "a", options: upload)
        try await fixture.put("two", at: "a", options: Self.replacing())
        var options = CopyOptions(
            mode: .replace,
            metadata: .overwrite(
                mimetype: "text/html", cacheControl: nil, representation: RepresentationFields(contentLanguage: "de"),
                userMetadata: nil),
            alphabet: .utf8, sourceVersion: .id(try #require(first.version)))
        func copy() async throws -> ObjectMetadata {
            let record = try await fixture.storage.objects.copy(
                from: fixture.address("a"), to: fixture.address("b"), options: options, as: CoreFixture.service)
            return ObjectMetadata(parsing: record.metadata)
        }

        let details = try await copy()
        #expect(try await fixture.read("b") == "one")
        #expect(details.mimetype == "text/html" && details.cacheControl == nil && details.tags == upload.tags)
        #expect(details.representation == RepresentationFields(contentLanguage: "de"))
        options.tags = .empty
        options.metadata = .keep
        let kept = try await copy()
        #expect(kept.tags.isEmpty && kept.representation.contentEncoding == "gzip")
        options.condition = .ifAbsent
        #expect(await errorCode { _ = try await copy() } == .preconditionFailed)
        options.condition = .none
        options.sourcePreconditions = Preconditions(ifNoneMatch: "*")
        #expect(await errorCode { _ = try await copy() } == .preconditionFailed)
        options.sourcePreconditions = Preconditions(ifMatch: "\"other\"")
        #expect(await errorCode { _ = try await copy() } == .preconditionFailed)
    }

    @Test func readsHaveConditionsOfBothKinds() async throws {
        let fixture = try await CoreFixture(public: true)
        let record = try await fixture.put("one", at: "a")
        let tag = record.entityTag(ObjectMetadata(parsing: record.metadata))
        func read(_ preconditions: Preconditions) async -> StorageError.Code? {
            await errorCode {
                _ = try await fixture.storage.delivery.open(
                    fixture.address("a"), preconditions: preconditions, access: .policy(CoreFixture.service))
            }
        }
        let past = Timestamp.now().adding(seconds: -100)

        // The second round is answered from memory.
        for _ in 0..<2 {
            #expect(await read(Preconditions(ifMatch: tag)) == nil)
            #expect(await read(Preconditions(ifMatch: "\"other\"")) == .preconditionFailed)
            #expect(await read(Preconditions(ifUnmodifiedSince: past)) == .preconditionFailed)
            #expect(await read(Preconditions(ifMatch: tag, ifUnmodifiedSince: past)) == nil)
        }
    }
}
