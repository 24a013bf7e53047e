// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import NIOCore
import Testing

struct UpkeepTests {
    @Test func aDeletionThatFailsIsTriedAgain() async throws {
        let core = try await CoreFixture()
        try await core.put("x", at: "a")
        try await core.storage.objects.delete(core.address("a"), as: CoreFixture.service)
        let failing = Upkeep(
            metadata: core.metadata, blobs: OneStore(store: FaultyBlobStore(core.memory, failing: .delete)),
            signal: core.storage.reaper, logger: .init(label: "test"))

        #expect(try await failing.removeDeletedBlobs() == 0)

        #expect(try await core.blobCount() == 1)
    }

    @Test func aBlobThatCannotBeDeletedKeepsNoOther() async throws {
        let core = try await CoreFixture()
        for key in ["a", "b", "c"] {
            try await core.put("x", at: key)
            try await core.storage.objects.delete(core.address(key), as: CoreFixture.service)
        }
        // The first call is for all three, the second for the first of them.
        let failing = Upkeep(
            metadata: core.metadata,
            blobs: OneStore(store: FaultyBlobStore(core.memory, failing: .delete, times: 2)),
            signal: core.storage.reaper, logger: .init(label: "test"))

        #expect(try await failing.removeDeletedBlobs() == 2)

        #expect(try await core.blobCount() == 1)
    }

    @Test func aBlobWithoutARowIsSweptOnceItIsOld() async throws {
        let core = try await CoreFixture()
        try await core.put("kept", at: "a")
        _ = try await core.memory.put(SampleData.stream(10, chunkBytes: 64), at: BlobKey(ObjectVersion().rawValue))

        #expect(try await core.upkeep.sweep(now: .now()) == 0)
        #expect(try await core.upkeep.sweep(now: Timestamp.now().adding(seconds: 7200)) == 1)

        #expect(try await core.blobCount() == 1)
        #expect(try await core.read("a") == "kept")
    }

    @Test func everythingInOrderIsReportedAsSuch() async throws {
        let core = try await CoreFixture()
        for key in ["a", "b", "c"] { try await core.put("x", at: key) }

        let summary = try await verifier(core).run(.none) { Issue.record("\($0)") }

        #expect(summary.objects == 3)
        #expect(summary.findings == 0)
    }

    @Test func lostBytesAreReportedAndTheirRowStays() async throws {
        let core = try await CoreFixture()
        let record = try await core.put("x", at: "a")
        try await core.memory.delete([BlobKey(try #require(record.version).rawValue)])

        let summary = try await verifier(core).run(Verifier.Repair(removesOrphans: true, dropsLost: false)) { _ in }

        #expect(summary.unrepaired == 1)
        let (object, _) = try await core.storage.delivery.describe(core.address("a"), access: .policy(CoreFixture.service))
        #expect(object.record.id == record.id)
    }

    @Test(arguments: [false, true])
    func anObjectThatIsOverwrittenWhileItIsVerifiedIsNotLost(_ dropsLost: Bool) async throws {
        let core = try await CoreFixture()
        try await core.put("old", at: "a")
        let overwriting = FaultyBlobStore(
            core.memory,
            beforeEachCall: { call in
                guard call == .get else { return }
                try await core.put("new", at: "a", options: CoreFixture.options(.replace))
                try await core.upkeep.removeDeletedBlobs()
            })
        let verifier = Verifier(metadata: core.metadata, blobs: OneStore(store: overwriting), orphanAge: 3600)

        let summary = try await verifier.run(Verifier.Repair(removesOrphans: false, dropsLost: dropsLost)) {
            Issue.record("\($0)")
        }

        #expect(summary.findings == 0)
        #expect(try await core.read("a") == "new")
    }

    @Test func theRowOfLostBytesGoesWhenThatWasAskedFor() async throws {
        let core = try await CoreFixture()
        let record = try await core.put("x", at: "a")
        try await core.memory.delete([BlobKey(try #require(record.version).rawValue)])

        let summary = try await verifier(core).run(Verifier.Repair(removesOrphans: true, dropsLost: true)) { _ in }

        #expect(summary.unrepaired == 0)
        #expect(try await verifier(core).run(.none) { _ in }.findings == 0)
    }

    @Test func damagedBytesAreReported() async throws {
        let core = try await CoreFixture()
        let record = try await core.put("right", at: "a")
        let key = BlobKey(try #require(record.version).rawValue)
        try await core.memory.delete([key])
        _ = try await core.memory.put(ByteStream(ByteBuffer(string: "wrong")), at: key)

        var findings: [Verifier.Finding] = []
        _ = try await verifier(core).run(.none) { findings.append($0) }

        guard case .damaged(let address, _)? = findings.first else {
            Issue.record("\(findings)")
            return
        }
        #expect(address == core.address("a"))
    }

    @Test func theBytesOfKeptVersionsAreReadToo() async throws {
        let core = try await CoreFixture()
        try await core.storage.buckets.changeSettings(
            of: core.bucket, BucketSettingsChanges(versioning: .enabled), as: CoreFixture.service)
        let damaged = BlobKey(try #require(try await core.put("right", at: "a").version).rawValue)
        let lost = BlobKey(
            try #require(try await core.put("lost", at: "a", options: CoreFixture.options(.replace)).version).rawValue)
        try await core.put("newest", at: "a", options: CoreFixture.options(.replace))
        #expect(try await verifier(core).run(.none) { _ in }.findings == 0)
        try await core.memory.delete([damaged, lost])
        _ = try await core.memory.put(ByteStream(ByteBuffer(string: "wrong")), at: damaged)

        var findings: [Verifier.Finding] = []
        let repair = Verifier.Repair(removesOrphans: true, dropsLost: true)
        let summary = try await verifier(core).run(repair) { findings.append($0) }

        #expect(summary.objects == 3 && summary.unrepaired == 2)
        guard case .damaged(core.address("a"), _)? = findings.first, case .lost(core.address("a"), _, false)? = findings.last
        else {
            Issue.record("\(findings)")
            return
        }
    }

    @Test func bytesThatCameInPartsAreReadToo() async throws {
        let fixture = try await UploadFixture()
        let id = try await fixture.begin(nil, kind: .parts, expires: false)
        let part = try await fixture.uploads.putPart(
            PartUpload(body: ByteStream(ByteBuffer(string: "right"))), as: PartNumber(1), of: id, access: UploadFixture.service)
        _ = try await fixture.uploads.complete(
            PartsCompletion(parts: [.init(number: part.number, eTag: try #require(part.md5))]), of: id,
            access: UploadFixture.service)
        let verifier = Verifier(metadata: fixture.metadata, blobs: OneStore(store: fixture.memory), orphanAge: 3600)
        #expect(try await verifier.run(.none) { _ in }.findings == 0)
        let key = try #require(try await fixture.read().object.blob).key
        try await fixture.memory.delete([key])
        _ = try await fixture.memory.put(ByteStream(ByteBuffer(string: "wrong")), at: key)

        #expect(try await verifier.run(.none) { _ in }.findings == 1)
    }

    @Test func orphansGoOnRepair() async throws {
        let core = try await CoreFixture()
        let orphan = BlobKey(ObjectVersion().rawValue)
        _ = try await core.memory.put(SampleData.stream(10, chunkBytes: 64), at: orphan)

        var findings: [Verifier.Finding] = []
        _ = try await verifier(core).run(Verifier.Repair(removesOrphans: true, dropsLost: false)) { findings.append($0) }

        #expect(findings == [.orphan(orphan, wasRemoved: true)])
        #expect(try await core.blobCount() == 0)
    }

    private func verifier(_ core: CoreFixture) -> Verifier {
        Verifier(metadata: core.metadata, blobs: OneStore(store: core.memory), orphanAge: -1)
    }
}
