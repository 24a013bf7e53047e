// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// A project on a plan, filled up to a few bytes below its end.
struct StorageQuotaTests {
    /// Of the trial.
    private static let quota: Int64 = 5_000_000_000
    private static let left: Int64 = 10

    private func core(_ plan: Plan.Name) async throws -> CoreFixture {
        let core = try await CoreFixture()
        _ = try await core.metadata.createProject(
            Project(id: core.bucket, plan: Plan(plan), createdAt: Timestamp(seconds: 0)), isPublic: false, keys: [])
        core.storage.cache.apply(.bucket(core.bucket))
        try await fill(core)
        return core
    }

    /// A row that says that it is nearly all there is.
    private func fill(_ core: CoreFixture) async throws {
        let version = ObjectVersion()
        let size = Self.quota - Self.left
        let object = NewObject(
            address: core.address("full"), version: version, ownerID: nil,
            metadata: ObjectMetadata(eTag: "\"0\"", size: size, mimetype: "text/plain", cacheControl: "no-cache").json,
            userMetadata: nil,
            blob: BlobLocation(
                backend: .managed, key: BlobKey(version.rawValue), size: size, md5: "d41d8cd98f00b204e9800998ecf8427e",
                checksums: [:]))
        _ = try await core.metadata.commitPut(object, mode: .replace, facts: CoreFixture.facts)
    }

    private func code(_ body: () async throws -> Void) async -> StorageError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? StorageError)?.code
        }
    }

    private func put(_ core: CoreFixture, _ count: Int, announced: Bool) async -> StorageError.Code? {
        var options = CoreFixture.options(.replace)
        if announced {
            options.announcedLength = Int64(count)
            options.announcesObjectSize = true
        }
        return await code {
            try await core.put(String(repeating: "x", count: count), at: "new", options: options)
        }
    }

    @Test(arguments: [true, false])
    func aTrialIsFilledToItsEndAndNoFurther(_ announced: Bool) async throws {
        let core = try await core(.trial)
        #expect(await put(core, 11, announced: announced) == .quotaExceeded)
        #expect(await put(core, 10, announced: announced) == nil)
        #expect(await put(core, 1, announced: announced) == .quotaExceeded)
    }

    @Test func bytesThatWereRefusedAreGone() async throws {
        let core = try await core(.trial)
        let before = try await core.memory.list(prefix: "", after: nil, limit: 100).blobs.count
        #expect(await put(core, 11, announced: false) == .quotaExceeded)
        #expect(try await core.memory.list(prefix: "", after: nil, limit: 100).blobs.count == before)
    }

    @Test(arguments: [Plan.Name.unlimited, .starter, .pro, .business])
    func aPlanWithOverageRefusesNothing(_ plan: Plan.Name) async throws {
        let core = try await core(plan)
        #expect(await put(core, 100, announced: true) == nil)
    }

    @Test func anotherPlanCountsAtOnce() async throws {
        let core = try await core(.trial)
        #expect(await put(core, 11, announced: true) == .quotaExceeded)
        try await core.storage.projects.setPlan(.starter, of: "b")
        #expect(await put(core, 11, announced: true) == nil)
    }

    @Test func whoMayNotWriteLearnsNothingOfIt() async throws {
        let core = try await core(.trial)
        let stranger = await code { try await core.put("more than ten bytes", at: "new", as: CoreFixture.caller()) }
        #expect(stranger == .accessDenied)
    }

    @Test func copiesMovesAndUploadsAreHeldToItToo() async throws {
        let core = try await core(.trial)
        let other = BucketID(stored: "other")
        _ = try await core.storage.buckets.create(Bucket(id: other, name: "other", isPublic: false), as: CoreFixture.service)
        let source = core.address("source", in: other)
        _ = try await core.storage.objects.put(
            Upload(body: ByteStream(ByteBuffer(string: "eleven bytes")), options: CoreFixture.options()), at: source,
            access: .policy(CoreFixture.service))

        let copied = await code {
            _ = try await core.storage.objects.copy(
                from: source, to: core.address("copy"),
                options: CopyOptions(mode: .replace, metadata: .keep, alphabet: .portable), as: CoreFixture.service)
        }
        let moved = await code {
            try await core.storage.objects.move(
                from: source, to: core.address("moved"), alphabet: .portable, as: CoreFixture.service)
        }
        let begun = await code {
            _ = try await core.storage.uploads.begin(
                UploadBeginning(
                    kind: .appended, options: CoreFixture.options(), length: 11, attributes: .emptyObject),
                at: core.address("upload"), access: .policy(CoreFixture.service))
        }

        #expect(copied == .quotaExceeded && moved == .quotaExceeded && begun == .quotaExceeded)
    }

    @Test func anUploadOfAFullProjectIsSentNoPartsAndCanBeGivenUp() async throws {
        let core = try await core(.trial)
        let service = Access.policy(CoreFixture.service)
        let uploads = core.storage.uploads
        let session = try await uploads.begin(
            UploadBeginning(kind: .parts, options: CoreFixture.options(), expires: false),
            at: core.address("upload"), access: service)
        func put(_ text: String, _ number: Int) async -> StorageError.Code? {
            await code {
                _ = try await uploads.putPart(
                    PartUpload(body: ByteStream(ByteBuffer(string: text))), as: PartNumber(number), of: session.id,
                    access: service)
            }
        }

        #expect(await put("ten bytes.", 1) == nil)
        #expect(await put("eleven bytes", 2) == .quotaExceeded)
        _ = await self.put(core, 10, announced: true)
        #expect(await put("x", 2) == .quotaExceeded)
        let parts = try await uploads.parts(of: session.id, after: nil, limit: 10, access: service)
        #expect(parts.count == 1)
        try await uploads.abort(session.id, access: service)
    }

    @Test func anUploadOfUnknownLengthIsHeldToItAtItsEnd() async throws {
        let core = try await core(.trial)
        let service = Access.policy(CoreFixture.service)
        let session = try await core.storage.uploads.begin(
            UploadBeginning(kind: .appended, options: CoreFixture.options(), attributes: .emptyObject),
            at: core.address("upload"), access: service)

        let ended = await code {
            _ = try await core.storage.uploads.append(
                UploadAppend(body: ByteStream(ByteBuffer(string: "eleven bytes")), offset: 0, isLast: true), to: session.id,
                access: service)
        }

        #expect(ended == .quotaExceeded)
        #expect(
            await code { _ = try await core.metadata.visibleObject(at: core.address("upload"), as: CoreFixture.service) }
                == .objectNotFound)
    }
}
