// SPDX-License-Identifier: Apache-2.0

import CLinuxFiles
import Glibc
public import Logging
public import MediaCore
import NIOCore
import Synchronization

/// Variants on a local disk, bounded in bytes: those that were not used for longest go first.
///
/// ```
/// 0/state.json       since when the files can be trusted
/// 0/files/ab/<file>  by the first digits of the version; the name says version, fingerprint, size and format
/// 0/tmp/<n>          being written
/// 0/dropped-<n>      on their way out
/// ```
///
/// Which files there are is kept in memory, and read from the directory in the background when the store is opened; until then what
/// was not found yet is rendered again. Nothing is flushed; see `VariantMarker`. Processes that share a data directory each have a
/// store of their own in it (`0`, `1`, …), held by a lock.
public final class DiskVariantStore: VariantStore {
    /// What can be chosen.
    public struct Options: Sendable {
        /// The most that all files take, in bytes.
        public var capacity: Int64
        /// Up to this size, in bytes, a variant is returned as bytes; above it, as the open file.
        public var inlineReadBytes: Int

        public init(capacity: Int64 = 2 << 30, inlineReadBytes: Int = 64 << 10) {
            self.capacity = max(0, capacity)
            self.inlineReadBytes = max(0, inlineReadBytes)
        }
    }

    private struct State {
        var index = VariantIndex()
        /// Of what waits to be written, in bytes.
        var writing: Int64 = 0
        /// Nothing more is taken, and what is in no hurry is given up.
        var isClosing = false
        /// Waits for what is being written.
        var closing: CheckedContinuation<Void, Never>?
    }

    /// The most that waits to be written, in bytes: a slow disk must not fill the memory.
    private static let mostWriting: Int64 = 64 << 20
    /// How old the mark of a file's last use may become, in seconds.
    private static let markingAfter: UInt32 = 3600
    private static let temporaryName = "tmp"

    private let options: Options
    private let root: Directory
    private let threads: DiskThreads
    private let write: DiskWrite.Call
    private let boot: String?
    private let logger: Logger
    private let state = Mutex(State())
    private let serial = Atomic<UInt64>(0)
    private let scan = Mutex<Task<Void, Never>?>(nil)

    /// Opens the store in a directory, which is made when there is none.
    /// - Throws: `StorageError` with `.backendUnavailable`.
    public static func open(at path: String, options: Options = Options(), logger: Logger) async throws -> DiskVariantStore {
        try await open(
            at: path, options: options, boot: VariantMarker.currentBoot(), logger: logger, write: DiskWrite.system)
    }

    package static func open(
        at path: String, options: Options, boot: String?, logger: Logger, write: @escaping DiskWrite.Call
    ) async throws -> DiskVariantStore {
        let threads = DiskThreads(count: 4)
        do {
            let store = try await threads.run {
                let store = DiskVariantStore(
                    root: try lockedDirectory(in: path), options: options, threads: threads, boot: boot, logger: logger,
                    write: write)
                try store.prepare()
                return store
            }
            store.beginScan()
            return store
        } catch {
            try await threads.shutDown()
            throw LocalErrorMapping.mapped(error)
        }
    }

    private init(
        root: Directory, options: Options, threads: DiskThreads, boot: String?, logger: Logger,
        write: @escaping DiskWrite.Call
    ) {
        self.root = root
        self.options = options
        self.threads = threads
        self.write = write
        self.boot = boot
        self.logger = logger
    }

    /// Removes what must not be read, and from now on says that nothing is flushed.
    private func prepare() throws {
        try root.makeDirectory(Self.temporaryName)
        let temporary = try Directory(Self.temporaryName, in: root)
        for leftover in try temporary.names() { try temporary.remove(leftover) }
        // Without a marker that can be read, nothing is known of the files.
        let isTrusted = try VariantMarker.read(in: root, threads)?.trusts(boot: boot) ?? false
        if !isTrusted { try dropAll() }
        try root.makeDirectory(VariantFile.directoryName)
        try mark(isFlushed: false)
    }

    /// The first directory that no other process uses.
    private static func lockedDirectory(in path: String) throws(LocalFileError) -> Directory {
        try makeDirectory(path)
        let parent = try Directory(path: path)
        for number in 0..<16 {
            try parent.makeDirectory("\(number)")
            let directory = try Directory("\(number)", in: parent)
            if try directory.lock(waiting: false) { return directory }
        }
        throw LocalFileError(call: "flock", code: EBUSY, path: path)
    }

    private static func makeDirectory(_ path: String) throws(LocalFileError) {
        do {
            try Directory.check("mkdir", "") { mkdir(path, 0o750) }
        } catch  where error.code == EEXIST {
            // From an earlier start.
        }
    }

    /// Moved aside at once, and removed in the background.
    private func dropAll() throws {
        var number = 0
        let names = Set(try root.names())
        guard names.contains(VariantFile.directoryName) else { return }
        while names.contains("\(VariantScan.droppedPrefix)\(number)") { number += 1 }
        try root.rename(VariantFile.directoryName, to: "\(VariantScan.droppedPrefix)\(number)")
        try root.synchronize()
        logger.notice("variants that may be incomplete are dropped")
    }

    private func mark(isFlushed: Bool) throws {
        try VariantMarker(format: VariantMarker.currentFormat, boot: boot, isFlushed: isFlushed)
            .write(in: root, through: freshPath(), write)
    }

    private func freshPath() -> String {
        "\(Self.temporaryName)/\(serial.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    private static func now() -> UInt32 { UInt32(clamping: Timestamp.now().seconds) }

    /// Ends the store, so that the next start can trust what is in it. Nothing may be called afterwards.
    /// - Throws: `StorageError` with `.backendUnavailable` when it can't be made sure of.
    public func close() async throws {
        state.withLock { $0.isClosing = true }
        await settle()
        // What is written behind the flush would be promised without being there.
        await finishWriting()
        do {
            try await onDisk { [self] in
                try Directory.check("syncfs", "") { syncfs(root.descriptor) }
                try mark(isFlushed: true)
                try root.unlock()
            }
        } catch {
            try await threads.shutDown()
            throw error
        }
        try await threads.shutDown()
    }

    private func finishWriting() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                guard state.writing > 0 else { return true }
                state.closing = continuation
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    /// What the files take, in bytes.
    public var keptBytes: Int64 { state.withLock { $0.index.cost } }

    /// How many variants there are.
    package var count: Int { state.withLock { $0.index.count } }

    // MARK: - Reading

    /// Made where it is asked for, without a hop to a disk thread, as blobs are read.
    public func open(_ name: VariantName) async throws -> KeptVariant? {
        guard let key = VariantKey(name) else { return nil }
        let now = Self.now()
        guard let use = state.withLock({ $0.index.use(key, at: now, markingAfter: Self.markingAfter) }) else { return nil }
        let file = use.file
        do {
            guard let opened = try openFile(file) else {
                try await lose(use)
                return nil
            }
            // A mark that can't be made only costs a place in the order after the next start.
            if use.marks, futimens(opened.descriptor, nil) != 0 { logger.debug("the use of a variant can't be marked") }
            let range = 0..<Int64(file.size)
            guard range.count <= options.inlineReadBytes else {
                return KeptVariant(
                    content: BlobContent(source: .file(opened), size: range.upperBound, range: range),
                    mediaType: file.kind.mediaType)
            }
            return KeptVariant(
                content: BlobContent(source: .buffer(try opened.read(range)), size: range.upperBound, range: range),
                mediaType: file.kind.mediaType)
        } catch {
            throw LocalErrorMapping.mapped(error)
        }
    }

    /// What is no longer in the index must not stay on the disk, where nobody would count it.
    private func lose(_ use: VariantIndex.Use) async throws {
        guard state.withLock({ $0.index.lose(use) }) else { return }
        try await onDisk { [self] in try removeFiles([use.file]) }
    }

    /// Nil when it is gone, or not what its name says.
    private func openFile(_ file: VariantFile) throws -> LocalBlobFile? {
        do {
            let path = file.path
            let opened = LocalBlobFile(descriptor: try root.openForReading(path), threads: threads)
            let status = try FileStatus(descriptor: opened.descriptor, path: path)
            guard status.isRegularFile, status.size == Int64(file.size) else { return nil }
            return opened
        } catch  where error.code == ENOENT {
            return nil
        }
    }

    // MARK: - Writing

    public func keep(_ image: RenderedImage, as name: VariantName) async throws {
        guard let key = VariantKey(name), let kind = VariantFile.Kind(mediaType: image.mediaType),
            let size = UInt32(exactly: image.body.readableBytes), size > 0
        else { return }
        let file = VariantFile(key: key, size: size, kind: kind)
        // One that would push out everything else is not worth it.
        guard file.cost <= options.capacity / 4 else { return }
        switch beginWriting(file.cost) {
        case .begun: break
        case .closing: return
        case .tooMuch:
            throw StorageError(.overloaded, "The disk does not take variants as fast as they are made", isRetryable: true)
        }
        defer { endWriting(file.cost) }
        try await onDisk { [self] in try write(image.body, to: file) }
    }

    private enum Admission {
        /// `endWriting` follows.
        case begun
        case closing
        case tooMuch
    }

    private func beginWriting(_ cost: Int64) -> Admission {
        state.withLock { state in
            guard !state.isClosing else { return .closing }
            guard state.writing + cost <= Self.mostWriting else { return .tooMuch }
            state.writing += cost
            return .begun
        }
    }

    private func endWriting(_ cost: Int64) {
        let closing = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.writing -= cost
            guard state.writing == 0 else { return nil }
            defer { state.closing = nil }
            return state.closing
        }
        closing?.resume()
    }

    private func write(_ body: ByteBuffer, to file: VariantFile) throws {
        // Room for all that is being written, so that the bound holds at every moment.
        try removeFiles(state.withLock { $0.index.trim(to: max(0, options.capacity - $0.writing)) })
        let temporary = try TemporaryFile(path: freshPath(), root: root, write: write)
        do {
            var batch = WriteBatch()
            batch.append(body)
            try temporary.append(batch)
            try publish(temporary.path, as: file)
            temporary.finish()
        } catch {
            temporary.discard()
            // The disk is there for objects first.
            if let error = error as? LocalFileError, error.code == ENOSPC || error.code == EDQUOT {
                try removeFiles(state.withLock { $0.index.trim(to: $0.index.cost / 8 * 7) })
            }
            throw error
        }
        let replaced = state.withLock { state in
            let old = state.index.remove(file.key)
            state.index.add(file, at: Self.now())
            return old
        }
        if let replaced, replaced != file { try removeFiles([replaced]) }
    }

    private func publish(_ path: String, as file: VariantFile) throws {
        do {
            try root.rename(path, to: file.path)
        } catch  where error.code == ENOENT {
            try root.makeDirectory(file.directory)
            try root.rename(path, to: file.path)
        }
    }

    public func forget(_ versions: [ObjectVersion]) async throws {
        let files = state.withLock { state in
            versions.flatMap { state.index.removeAll(of: VariantKey.Version($0)) }
        }
        guard !files.isEmpty else { return }
        try await onDisk { [self] in try removeFiles(files) }
    }

    /// Those who read them go on reading. All are tried: what stays is counted by nobody until the next start.
    /// - Throws: the first error.
    private func removeFiles(_ files: [VariantFile]) throws(LocalFileError) {
        var failure: LocalFileError?
        for file in files {
            do {
                try root.remove(file.path)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    // MARK: - What is there at the start

    private func beginScan() {
        let task = Task { [self] in
            do {
                try await onDisk { [self] in try learn() }
            } catch {
                logger.warning("variants of earlier runs can't be found", metadata: ["error": "\(error)"])
            }
        }
        scan.withLock { $0 = task }
    }

    /// Returns once everything is known that was there at the start.
    package func settle() async { await scan.withLock { $0 }?.value }

    private func learn() throws {
        let scan = VariantScan(root: root) { [self] in state.withLock { $0.isClosing } }
        let found = try scan.files()
        var superfluous: [VariantFile] = []
        // The newest first: each comes behind those before it, and all behind what was used meanwhile.
        for (file, marked) in found.sorted(by: { $0.marked > $1.marked }) {
            let isNew = state.withLock { $0.index.addOldest(file, marked: marked) }
            // A variant of the same name in another format: whoever wrote last is in the index.
            if !isNew, state.withLock({ $0.index.file(of: file.key) }) != file { superfluous.append(file) }
        }
        superfluous += state.withLock { $0.index.trim(to: max(0, options.capacity - $0.writing)) }
        try removeFiles(superfluous)
        try scan.removeDropped()
    }

    private func onDisk<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await threads.run(work)
        } catch {
            throw LocalErrorMapping.mapped(error)
        }
    }
}
