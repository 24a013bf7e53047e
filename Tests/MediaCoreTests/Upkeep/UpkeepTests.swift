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
