// SPDX-License-Identifier: Apache-2.0

import NIOCore
import WireFormats

/// Compares rows and bytes in both directions.
public struct Verifier: Sendable {
    /// One thing that is wrong.
    public enum Finding: Hashable, Sendable {
        /// An object, or a version of it, whose bytes are not there. `wasDropped`: its row was removed.
        case lost(ObjectAddress, reason: String, wasDropped: Bool)
        /// An object whose bytes are not what was stored.
        case damaged(ObjectAddress, reason: String)
        /// An object whose bytes are in a project's own store that can't be read now.
        case unreachable(ObjectAddress, reason: String)
        /// An adopted object whose bytes Magpie was never told of.
        case unlocated(ObjectAddress)
        /// A blob without a row.
        case orphan(BlobKey, wasRemoved: Bool)
        /// Temporary files, parts of no upload, blob rows without an object.
        case leftovers(Int)

        /// Whether nothing is left to do about it.
        public var isRepaired: Bool {
            switch self {
            case .lost(_, _, let wasDropped): wasDropped
            case .orphan(_, let wasRemoved): wasRemoved
            case .leftovers: true
            case .damaged, .unlocated, .unreachable: false
            }
        }
    }

    /// What may be changed.
    public struct Repair: Sendable {
        /// Removes what no object points to.
        public var removesOrphans: Bool
        /// Removes the rows of objects whose bytes are lost. Never implied: a disk that is not mounted looks the same.
        public var dropsLost: Bool

        public init(removesOrphans: Bool, dropsLost: Bool) {
            self.removesOrphans = removesOrphans
            self.dropsLost = dropsLost
        }

        public static let none = Repair(removesOrphans: false, dropsLost: false)
    }

    public struct Summary: Sendable {
        public var objects = 0
        public var bytes: Int64 = 0
        public var findings = 0
        public var unrepaired = 0
    }

    private static let page = 500

    private let metadata: any MetadataStore
    private let blobs: any BlobStoreDirectory
    /// In seconds: a younger blob without a row may be an upload under way on a running server.
    private let orphanAge: Int64
    /// In seconds: what is being written to a project's own store takes longer than a file.
    private static let reservationAge = Upkeep.Schedule().reservationAge

    public init(metadata: any MetadataStore, blobs: any BlobStoreDirectory, orphanAge: Int64) {
        self.metadata = metadata
        self.blobs = blobs
        self.orphanAge = orphanAge
    }

    /// Reads every object and every version that is kept, digests included, then every blob.
    /// - Parameter report: called with each finding as it is made.
    public func run(_ repair: Repair, report: (Finding) -> Void) async throws -> Summary {
        var summary = Summary()
        func note(_ finding: Finding) {
            summary.findings += 1
            if !finding.isRepaired { summary.unrepaired += 1 }
            report(finding)
        }

        func saw(_ blob: BlobLocation?, _ finding: Finding?) {
            summary.objects += 1
            summary.bytes += blob?.size ?? 0
            if let finding { note(finding) }
        }

        var stores = StoreReach()
        var last: ObjectID?
        repeat {
            let rows = try await metadata.objects(after: last, limit: Self.page)
            for row in rows { saw(row.blob, try await check(row.record, row.blob, repair, &stores)) }
            last = rows.count == Self.page ? rows.last?.record.id : nil
        } while last != nil
        try await checkKept(&stores, saw)

        let date = Timestamp.now().adding(seconds: -orphanAge)
        if repair.removesOrphans {
            let upkeep = try await metadata.queueUnreferencedBlobs(olderThan: date)
            let store = try await blobs.store(for: blobs.defaultBackend)
            let parts = try await AbandonedParts(metadata: metadata, blobs: blobs).remove(before: date)
            let reserved = try await metadata.giveUpBlobs(
                reservedBefore: .now().adding(seconds: -max(orphanAge, Self.reservationAge)))
            let leftovers = try await upkeep + parts + reserved + store.sweepUnfinished(before: date)
            if leftovers > 0 { note(.leftovers(leftovers)) }
        }
        for finding in try await orphans(before: date, repair) { note(finding) }
        return summary
    }

    /// What is no longer current and kept all the same. Its rows stay, whatever is found: who wants a lost version to be gone
    /// deletes it by its id.
    private func checkKept(_ stores: inout StoreReach, _ saw: (BlobLocation?, Finding?) -> Void) async throws {
        var last: Int64?
        repeat {
            let versions = try await metadata.keptVersions(after: last, limit: Self.page)
            for version in versions { saw(version.blob, try await check(version, &stores)) }
            last = versions.count == Self.page ? versions.last?.sequence : nil
        } while last != nil
    }

    private func check(_ version: KeptVersion, _ stores: inout StoreReach) async throws -> Finding? {
        guard let blob = version.blob else { return .unlocated(version.address) }
        do {
            return try await damage(blob, &stores).map { .damaged(version.address, reason: "version \(version.id): \($0)") }
        } catch let failure as StoreReach.Failure {
            return .unreachable(version.address, reason: "version \(version.id): \(failure.reason)")
        } catch let error as StorageError where error.code == .blobMissing {
            // Deleted, or current again, since its row was read, it is not lost.
            let still = try await metadata.keptVersions(after: version.sequence - 1, limit: 1)
            guard still == [version] else { return nil }
            return .lost(
                version.address, reason: "blob \(blob.key) of version \(version.id) is missing", wasDropped: false)
        }
    }

    /// How the bytes of a blob are others than its row says. Nil when they are the same.
    private func damage(_ blob: BlobLocation, _ stores: inout StoreReach) async throws -> String? {
        try await stores.reading(blob.backend) { try await damage(blob) }
    }

    private func damage(_ blob: BlobLocation) async throws -> String? {
        let content = try await blobs.store(for: blob.backend).get(blob.key, range: nil)
        guard content.size == blob.size else { return "\(content.size) bytes, not \(blob.size)" }
        guard let expected = Self.digest(of: blob) else { return nil }
        var checksum = Checksum(expected.algorithm)
        for try await chunk in content.stream().chunks { checksum.update(chunk) }
        let value = checksum.value
        guard value != expected else { return nil }
        return "\(expected.algorithm.name) \(value.base64), not \(expected.base64)"
    }

    /// What the bytes of a blob must digest to: bytes that came in parts have a checksum of the whole, and no MD5.
    private static func digest(of blob: BlobLocation) -> ChecksumValue? {
        if let md5 = blob.md5, let value = ChecksumValue(.md5, hexadecimal: md5) { return value }
        return blob.checksums[ChecksumAlgorithm.crc64nvme.name].flatMap { ChecksumValue(.crc64nvme, base64: $0) }
    }

    private func check(
        _ record: ObjectRecord, _ blob: BlobLocation?, _ repair: Repair, _ stores: inout StoreReach
    ) async throws -> Finding? {
        guard let blob else { return .unlocated(record.address) }
        do {
            return try await damage(blob, &stores).map { .damaged(record.address, reason: $0) }
        } catch let failure as StoreReach.Failure {
            return .unreachable(record.address, reason: failure.reason)
        } catch let error as StorageError where error.code == .blobMissing {
            // Overwritten, deleted or moved since its row was read, it is not lost.
            let isLost =
                repair.dropsLost
                ? try await metadata.dropLostObject(record.id, version: record.version, at: blob)
                : try await metadata.isCurrent(record.id, version: record.version, at: blob)
            guard isLost else { return nil }
            return .lost(record.address, reason: "blob \(blob.key) is missing", wasDropped: repair.dropsLost)
        }
    }

    private func orphans(before date: Timestamp, _ repair: Repair) async throws -> [Finding] {
        let backend = blobs.defaultBackend
        let store = try await blobs.store(for: backend)
        var findings: [Finding] = []
        var cursor: String?
        repeat {
            let page = try await store.list(prefix: "", after: cursor, limit: Self.page)
            let old = page.blobs.filter { $0.modifiedAt < date }.map(\.key)
            let unknown = old.isEmpty ? [] : try await metadata.unknownBlobs(among: old, in: backend)
            if repair.removesOrphans { try await store.delete(unknown) }
            findings += unknown.map { .orphan($0, wasRemoved: repair.removesOrphans) }
            cursor = page.cursor
        } while cursor != nil
        return findings
    }
}
