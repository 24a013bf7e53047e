// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// Has the kernel send one part of a file, region by region, each when the one before has left.
///
/// The kernel would read what is not in memory on the event loop, which must not wait for a disk. So each region is first made
/// sure to be there, by another thread where it is not, and while one such region is sent the next is fetched. All calls and
/// callbacks are on the event loop.
final class FileSender {
    /// What a sender says about its progress.
    enum Event {
        /// So many bytes of the part have been handed to the kernel.
        case sent(Int64)
        /// All of them have.
        case finished
        /// The rest will not be sent: the connection is closed, or the file can't be read.
        case failed(any Error)
    }

    /// How much is handed to the kernel at a time: what is left of it can't be taken back when disk or client stall.
    private static let regionSize: Int64 = 1 << 20
    /// The last region may be larger by this, so that none is so small that the channel stays writable while it waits.
    private static let smallestRegion: Int64 = 64 << 10
    /// How often a region that the client takes its time for is compared with the file.
    private static let watchInterval: TimeAmount = .milliseconds(500)

    private let part: FilePart
    /// Writes into the pipeline in front of the codec, which takes no files.
    private let codec: ChannelHandlerContext
    private let report: (Event) -> Void
    private let handle: NIOFileHandle
    /// The region that is with the channel.
    private var current: FilePart?
    /// The next one, when it is being fetched.
    private var ahead: EventLoopFuture<Void>?
    private var watch: Scheduled<Void>?
    private var isFinished = false

    /// - Parameters:
    ///   - part: no shorter than `smallestRegion`.
    ///   - codec: of the channel.
    ///   - report: called with `.sent` for each region, and last with one of the others.
    init(_ part: FilePart, on codec: ChannelHandlerContext, report: @escaping (Event) -> Void) {
        self.part = part
        self.codec = codec
        self.report = report
        self.handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: part.file.descriptor)
    }

    /// Begins to send, and flushes what was written before.
    func start() { send(from: part.range.lowerBound) }

    private func send(from offset: Int64) {
        guard let region = region(from: offset) else { return finish(.finished) }
        current = region
        let sent = codec.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { self.ended($0) }
        // Written now and flushed when it is in memory: from here on the channel is not writable, and nobody makes further
        // answers that would have to be kept.
        codec.write(
            NIOAny(
                HTTPServerResponsePart.body(
                    .fileRegion(
                        FileRegion(
                            fileHandle: handle, readerIndex: Int(region.range.lowerBound), endIndex: Int(region.range.upperBound))
                    )
                )), promise: sent)
        guard current != nil else { return }
        if let fetched = ahead ?? (FileReading.isCached(region) ? nil : fetch(region)) {
            ahead = nil
            fetched.assumeIsolated().whenComplete { self.fetched(region, $0) }
        } else {
            flush(region)
        }
    }

    private func region(from offset: Int64) -> FilePart? {
        guard offset < part.range.upperBound else { return nil }
        let left = part.range.upperBound - offset
        let count = left < Self.regionSize + Self.smallestRegion ? left : Self.regionSize
        return FilePart(file: part.file, range: offset..<offset + count)
    }

    private func fetch(_ region: FilePart) -> EventLoopFuture<Void> {
        NIOThreadPool.singleton.runIfActive(eventLoop: codec.eventLoop) { try FileReading.fetch(region) }
    }

    private func fetched(_ region: FilePart, _ result: Result<Void, any Error>) {
        guard current != nil, !isFinished else { return }
        if case .failure(let error) = result { return finish(.failed(error)) }
        if let next = self.region(from: region.range.upperBound), !FileReading.isCached(next) { ahead = fetch(next) }
        flush(region)
    }

    private func flush(_ region: FilePart) {
        codec.flush()
        if watch == nil, current != nil, !isFinished { startWatch() }
    }

    /// The region is with the kernel, or never will be.
    private func ended(_ result: Result<Void, any Error>) {
        guard let region = current else { return }
        current = nil
        guard !isFinished else { return release() }
        switch result {
        case .success:
            report(.sent(region.range.upperBound - part.range.lowerBound))
            send(from: region.range.upperBound)
        case .failure(let error): finish(.failed(error))
        }
    }

    // MARK: Files that end too early

    /// For a file that ends before the region does the kernel sends nothing, again and again, and says that it has.
    private func startWatch() {
        watch = codec.eventLoop.assumeIsolated().scheduleTask(in: Self.watchInterval) { self.look() }
    }

    private func look() {
        watch = nil
        guard let current, !isFinished else { return }
        do {
            guard try FileReading.size(of: part.file) >= current.range.upperBound else { throw FileReading.incomplete }
            startWatch()
        } catch {
            finish(.failed(error))
        }
    }

    // MARK: The end

    private func finish(_ event: Event) {
        guard !isFinished else { return }
        isFinished = true
        watch?.cancel()
        if current == nil { release() }
        report(event)
    }

    /// The descriptor belongs to the file, which closes it with its last reference: it is not the handle's to close.
    private func release() {
        do {
            _ = try handle.takeDescriptorOwnership()
        } catch {
            // It can only be taken once, and this is where.
            assertionFailure("\(error)")
        }
    }
}
