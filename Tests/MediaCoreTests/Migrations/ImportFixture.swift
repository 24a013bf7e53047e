// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaTesting
import NIOCore

@testable import MediaCore

/// A project with files of its owner's in its own store, and what imports them.
struct ImportFixture {
    static let asset = "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z"
    static let folder = "media/shop/"

    let base: OwnStorageFixture
    let backend: BackendID

    var clock: ManualClock { base.clock }

    init(plan: Plan.Name = .pro) async throws {
        base = try await OwnStorageFixture(plan: plan, processor: MarkReader())
        backend = try await base.configure()
    }

    /// Bytes that are a JPEG to whoever looks at the first of them, with the mark that says how large the image is.
    static func jpeg(_ width: Int = 40, _ height: Int = 30, markAt position: Int = 3, size: Int = 200) -> ByteBuffer {
        image([0xFF, 0xD8, 0xFF], width, height, position, size)
    }

    /// The same for a WebP.
    static func webP(_ width: Int = 40, _ height: Int = 30, markAt position: Int = 12, size: Int = 200) -> ByteBuffer {
        image(Array("RIFF0000WEBP".utf8), width, height, position, size)
    }

    private static func image(_ magic: [UInt8], _ width: Int, _ height: Int, _ position: Int, _ size: Int) -> ByteBuffer {
        var bytes = ByteBuffer(bytes: magic)
        bytes.writeRepeatingByte(0, count: position - magic.count)
        bytes.writeString(MarkReader.mark(width, height))
        bytes.writeRepeatingByte(0, count: max(0, size - bytes.readableBytes))
        return bytes
    }

    /// Puts a file into the store, as its owner does.
    func add(_ key: String, _ bytes: ByteBuffer = ImportFixture.jpeg()) async throws {
        _ = try await base.own.put(ByteStream(bytes), at: BlobKey(key))
    }

    /// Begins an import.
    func begin(_ order: ImportOrder = ImportOrder(prefix: "")) async throws -> JobID {
        try await base.backends.importBucket(order, into: OwnStorageFixture.project, as: base.service).id
    }

    /// An import from its begin to its end.
    @discardableResult
    func run(_ order: ImportOrder = ImportOrder(prefix: "")) async throws -> Job {
        let id = try await begin(order)
        return try await work { try await job(id) { $0.status.isFinal } }
    }

    /// Runs a worker while `body` runs.
    func work<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        let workers = JobWorkers(
            store: base.metadata, handlers: base.storage.assets.importHandlers(isReservedName: { $0 == "reserved" }),
            wake: WakeSignal(), name: "test",
            schedule: JobWorkers.Schedule(
                interval: .milliseconds(10), lease: 600, heartbeat: .milliseconds(10), backOff: BackOff(first: 64, longest: 900)),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run() }
            let value = try await body()
            group.cancelAll()
            return value
        }
    }

    /// The job, once it is as wanted. The test's time limit ends the wait.
    func job(_ id: JobID, once isWanted: (Job) -> Bool) async throws -> Job {
        while true {
            if let job = try await base.metadata.job(id), isWanted(job) { return job }
            try Task.checkCancellation()
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// All assets, by their file names.
    func assets() async throws -> [Asset] {
        var assets: [Asset] = []
        var query = AssetQuery(limit: AssetQuery.maxLimit)
        while true {
            let page = try await base.metadata.assets(matching: query, in: OwnStorageFixture.project, as: base.service)
            assets += page.assets
            guard page.hasMore, let last = page.assets.last else { break }
            query.after = last.id
        }
        return assets.sorted { ($0.originalFileName ?? "") < ($1.originalFileName ?? "") }
    }

    func location(of asset: Asset) async throws -> BlobLocation? {
        try await base.metadata.object(at: asset.address, access: .policy(base.service)).blob
    }

    /// Ids of the assets that are still to be looked at.
    func inspections() async throws -> [String?] {
        try await base.metadata.jobs(matching: JobQuery(kinds: [.inspectAsset], limit: 100)).jobs.map(\.subject)
    }
}

/// A processor to which an image is as large as a mark in it says.
struct MarkReader: ImageProcessor {
    let revision = "marks"
    let parallelism = 4

    static func mark(_ width: Int, _ height: Int) -> String { "<\(width)x\(height)>" }

    func inspect(_ source: ByteBuffer, deadline: NIODeadline) async throws -> ImageFacts {
        let bytes = source.readableBytesView
        guard let start = bytes.firstIndex(of: UInt8(ascii: "<")),
            let end = bytes[start...].firstIndex(of: UInt8(ascii: ">"))
        else { throw StorageError(.unreadableImage, "The image can't be read") }
        let numbers = String(decoding: bytes[(start + 1)..<end], as: UTF8.self).split(separator: "x").compactMap { Int($0) }
        guard numbers.count == 2 else { throw StorageError(.unreadableImage, "The image can't be read") }
        guard numbers[0] < 10_000 else { throw StorageError(.imageTooLarge, "The image is too large") }
        return ImageFacts(format: "jpeg", width: numbers[0], height: numbers[1], hasAlpha: false)
    }

    func render(_ source: ByteBuffer, _ recipe: ImageRecipe) async throws -> RenderedImage {
        throw StorageError(.unsupported, "Only looks")
    }

    func sanitized(_ svg: ByteBuffer, deadline: NIODeadline) async throws -> ByteBuffer { svg }
}
