// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaTesting
import NIOCore
import Testing

@testable import MediaCore

/// Objects whose bytes are in a project's own store.
struct OwnStorageTests {
    private static let asset = "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z"

    // MARK: Writing and reading

    @Test func newOriginalsGoToTheProjectsStoreAndOldOnesStay() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.put("before", at: "old")
        let backend = try await fixture.configure()

        let record = try await fixture.put("after", at: "new")

        let version = try #require(record.version)
        #expect(fixture.own.keys == [BlobKey("media/shop/\(version)")])
        #expect(try await fixture.location(of: "new")?.backend == backend)
        #expect(try await fixture.location(of: "old")?.backend == .managed)
        #expect(try await fixture.read("new") == "after")
        #expect(try await fixture.read("old") == "before")
        #expect(fixture.managed.count == 1)
    }

    @Test func anAssetsFirstVersionHasItsIDForAKeyAndLaterOnesDoNot() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()

        try await fixture.put("1", at: Self.asset)
        let second = try #require(try await fixture.put("2", at: Self.asset, mode: .replace).version)

        #expect(fixture.own.keys == [BlobKey("media/shop/\(Self.asset)"), BlobKey("media/shop/\(Self.asset).\(second)")])
        #expect(try await fixture.read(Self.asset) == "2")
        try await fixture.upkeep.removeDeletedBlobs()
        #expect(fixture.own.keys == [BlobKey("media/shop/\(Self.asset).\(second)")])
    }

    @Test func aKeyThatWasJustDeletedIsNotUsedAgain() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        try await fixture.put("1", at: Self.asset)
        try await fixture.storage.objects.delete(fixture.address(Self.asset), as: fixture.service)
        try await fixture.upkeep.removeDeletedBlobs()
        #expect(fixture.own.count == 0)

        let again = try #require(try await fixture.put("2", at: Self.asset).version)

        #expect(fixture.own.keys == [BlobKey("media/shop/\(Self.asset).\(again)")])
    }

    @Test func whatIsAtAKeyAlreadyIsNeitherReplacedNorDeleted() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        let key = BlobKey("media/shop/\(Self.asset)")
        _ = try await fixture.own.put(ByteStream(ByteBuffer(string: "the owner's")), at: key)

        await #expect(throws: StorageError.self) { try await fixture.put("1", at: Self.asset) }
        try await fixture.upkeep.removeDeletedBlobs()
        try await fixture.put("2", at: Self.asset)

        #expect(try await fixture.own.get(key, range: nil).stream().collected(upTo: 100) == ByteBuffer(string: "the owner's"))
        #expect(try await fixture.read(Self.asset) == "2" && fixture.own.count == 2)
    }

    @Test func whatIsRefusedWhenItIsLookedAtNeverGetsThere() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        let before = fixture.faults.count(of: .put)

        let code = await errorCode {
            try await fixture.put("x", at: "a") { _ in throw StorageError(.unreadableImage, "no image") }
        }

        #expect(code == .unreadableImage && fixture.faults.count(of: .put) == before)
        #expect(fixture.own.count == 0 && fixture.managed.count == 0)
    }

    @Test func whatIsLookedAtEndsInTheProjectsStoreAlone() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()

        try await fixture.put("kept", at: "a") { _ in nil }
        try await fixture.put("raw", at: "b") { _ in ByteBuffer(string: "cleaned") }

        #expect(fixture.own.count == 2 && fixture.managed.count == 0)
        #expect(try await fixture.read("a") == "kept")
        #expect(try await fixture.read("b") == "cleaned")
    }

    @Test func aRefusedWriteIsTakenBack() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        try await fixture.put("1", at: "a")

        // Another one was faster between the trial and the row.
        let store = fixture.storage
        let code = await errorCode {
            _ = try await store.objects.put(
                Upload(
                    body: ByteStream(ByteBuffer(string: "2")),
                    options: UploadOptions(mode: .create, contentType: "text/plain", cacheControl: ""),
                    checksums: { throw StorageError(.digestMismatch, "not what was promised") }),
                at: fixture.address("b"), access: .policy(fixture.service))
        }

        #expect(code == .digestMismatch && fixture.own.count == 2)
        try await fixture.upkeep.removeDeletedBlobs()
        #expect(fixture.own.count == 1)
    }

    @Test func copiesAndMovesKeepToTheirStores() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        try await fixture.put("x", at: "a")
        let other = BucketID(stored: "other")
        _ = try await fixture.storage.buckets.create(Bucket(id: other, name: "other"), as: fixture.service)
        let outside = ObjectAddress(bucket: other, key: ObjectKey(stored: "a"))
        let options = CopyOptions(mode: .create, metadata: .keep, alphabet: .utf8)

        _ = try await fixture.storage.objects.copy(
            from: fixture.address("a"), to: fixture.address("b"), options: options, as: fixture.service)
        _ = try await fixture.storage.objects.copy(
            from: fixture.address("a"), to: outside, options: options, as: fixture.service)
        let moved = await errorCode {
            try await fixture.storage.objects.move(
                from: fixture.address("a"), to: ObjectAddress(bucket: other, key: ObjectKey(stored: "c")), alphabet: .utf8,
                as: fixture.service)
        }
        try await fixture.storage.objects.move(
            from: fixture.address("a"), to: fixture.address("c"), alphabet: .utf8, as: fixture.service)

        #expect(moved == .unsupported)
        #expect(fixture.own.count == 2 && fixture.managed.count == 1 && fixture.faults.count(of: .copy) == 1)
        #expect(try await fixture.read("b") == "x")
        #expect(try await fixture.read("c") == "x")
    }

    @Test func anUploadInSeveralRequestsEndsInTheProjectsStore() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        let uploads = fixture.storage.uploads
        let access = Access.policy(fixture.service)
        let session = try await uploads.begin(
            UploadBeginning(
                kind: .appended, options: UploadOptions(mode: .create, contentType: "text/plain", cacheControl: ""), length: 10),
            at: fixture.address("a"), access: access)
        _ = try await uploads.append(
            UploadAppend(body: ByteStream(ByteBuffer(string: "01234")), offset: 0), to: session.id, access: access)
        #expect(fixture.own.count == 0)

        // The store is out of reach when the last byte has come: the upload waits for another try.
        fixture.faults.fail(.put, with: StorageError(.originUnavailable, ""))
        let code = await errorCode {
            _ = try await uploads.append(
                UploadAppend(body: ByteStream(ByteBuffer(string: "56789")), offset: 5), to: session.id, access: access)
        }
        #expect(code == .originUnavailable)
        fixture.faults.heal()
        let state = try await uploads.append(
            UploadAppend(body: ByteStream(ByteBuffer()), offset: 10), to: session.id, access: access)

        #expect(state.record != nil)
        #expect(try await fixture.read("a") == "0123456789")
        #expect(fixture.own.count == 1 && fixture.managed.count == 0 && fixture.managed.unfinishedCount == 0)
    }

    // MARK: Outages

    @Test func aStoreThatIsOutOfReachIsAnErrorAndNothingElseIsAsked() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        try await fixture.put(String(repeating: "x", count: 300_000), at: "a")
        fixture.faults.fail(.get, with: StorageError(.originUnavailable, ""))

        #expect(await errorCode { _ = try await fixture.read("a") } == .originUnavailable)
    }

    @Test func aStoreThatIsOutOfReachKeepsNoDeletionElsewhere() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.put("x", at: "managed")
        try await fixture.configure()
        for key in ["a", "b", "c"] { try await fixture.put("x", at: key) }
        for key in ["managed", "a", "b", "c"] {
            try await fixture.storage.objects.delete(fixture.address(key), as: fixture.service)
        }
        fixture.faults.fail(.delete, with: StorageError(.originTimedOut, ""))

        #expect(try await fixture.upkeep.removeDeletedBlobs() == 1)

        #expect(fixture.managed.count == 0 && fixture.own.count == 3)
        #expect(fixture.faults.count(of: .delete) == 2, "one of the trial, one for all three")
    }

    /// Deletions of which those in the project's own store wait for the gate.
    private static func deletions(_ fixture: OwnStorageFixture, heldInOwnStoreBy gate: Gate) -> BlobDeletions {
        let hanging = FaultyBlobStore(fixture.own) { call in if call == .delete { await gate.wait() } }
        return BlobDeletions(
            metadata: fixture.metadata, blobs: OwnStorageFixture.Directory(managed: fixture.managed, own: hanging), variants: nil,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    @Test func aDeletionThatHangsHoldsUpNoOtherBackend() async throws {
        let fixture = try await OwnStorageFixture()
        let (gate, signal) = (Gate(), WakeSignal())
        let deletions = Self.deletions(fixture, heldInOwnStoreBy: gate)
        try await fixture.put("x", at: "first")
        try await fixture.put("x", at: "second")
        try await fixture.configure()
        try await fixture.put("x", at: "own")
        let working = Task { await deletions.whenAsked(by: signal) }

        try await fixture.storage.objects.delete(fixture.address("own"), as: fixture.service)
        signal.signal()
        await gate.isReached()
        for key in ["first", "second"] {
            try await fixture.storage.objects.delete(fixture.address(key), as: fixture.service)
            signal.signal()
            let before = key == "first" ? 1 : 0
            await settled { fixture.managed.count == before }
        }

        #expect(fixture.own.count == 1)
        await gate.open()
        await settled { fixture.own.count == 0 }
        working.cancel()
        await working.value
    }

    @Test func whatIsDeletedWhileSomethingElseGoesIsNotForgotten() async throws {
        let fixture = try await OwnStorageFixture()
        let (gate, signal) = (Gate(), WakeSignal())
        let deletions = Self.deletions(fixture, heldInOwnStoreBy: gate)
        try await fixture.put("x", at: "managed")
        try await fixture.configure()
        for key in ["first", "second"] { try await fixture.put("x", at: key) }
        let working = Task { await deletions.whenAsked(by: signal) }

        try await fixture.storage.objects.delete(fixture.address("first"), as: fixture.service)
        signal.signal()
        await gate.isReached()
        for key in ["second", "managed"] {
            try await fixture.storage.objects.delete(fixture.address(key), as: fixture.service)
        }
        signal.signal()
        // So the call was heard, while the other store was at work.
        await settled { fixture.managed.count == 0 }
        await gate.open()

        await settled { fixture.own.count == 0 }
        working.cancel()
        await working.value
    }

    @Test func aWriteWhoseOutcomeIsUnknownIsFoundByItsReservation() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        fixture.faults.fail(.put, at: .after, with: StorageError(.originTimedOut, ""))

        #expect(await errorCode { try await fixture.put("x", at: "a") } == .originTimedOut)
        fixture.faults.heal()
        try await fixture.upkeep.removeDeletedBlobs()
        #expect(fixture.own.count == 1, "it might still arrive")

        try await fixture.upkeep.sweep(now: Timestamp.now().adding(seconds: 86_400 + 60))
        try await fixture.upkeep.removeDeletedBlobs()
        #expect(fixture.own.count == 0)
    }

    @Test func nothingThatNoRowNamesIsEverTouched() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        let theirs = [BlobKey("media/shop/holiday.jpg"), BlobKey("media/shop/\(ObjectVersion())"), BlobKey("x")]
        for key in theirs { _ = try await fixture.own.put(ByteStream(ByteBuffer(string: "theirs")), at: key) }

        try await fixture.upkeep.sweep(now: Timestamp.now().adding(seconds: 1_000_000))
        try await fixture.upkeep.removeDeletedBlobs()

        #expect(Set(fixture.own.keys) == Set(theirs) && fixture.faults.count(of: .list) == 0)
    }

    @Test func verifyTellsLostFromUnreachable() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.put("x", at: "managed")
        try await fixture.configure()
        for key in ["a", "b", "c", "d", "e", "f"] { try await fixture.put("x", at: key) }
        let lost = try #require(try await fixture.location(of: "a"))
        try await fixture.own.delete([lost.key])
        let verifier = Verifier(
            metadata: fixture.metadata,
            blobs: OwnStorageFixture.Directory(managed: fixture.managed, own: fixture.faults), orphanAge: -1)

        var findings: [Verifier.Finding] = []
        _ = try await verifier.run(.none) { findings.append($0) }
        #expect(findings.count == 1)
        if case .lost(let address, _, false) = findings.first { #expect(address.key.rawValue == "a") } else { Issue.record() }

        let before = fixture.faults.count(of: .get)
        fixture.faults.fail(.get, with: StorageError(.originUnavailable, ""))
        findings = []
        let summary = try await verifier.run(Verifier.Repair(removesOrphans: true, dropsLost: true)) { findings.append($0) }
        #expect(summary.objects == 7 && summary.unrepaired == 6)
        #expect(findings.allSatisfy { if case .unreachable = $0 { true } else { false } })
        #expect(fixture.faults.count(of: .get) == before + 3, "after three failures it is not asked any more")
    }
}
