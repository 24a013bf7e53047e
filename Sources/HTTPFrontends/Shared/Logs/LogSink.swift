// SPDX-License-Identifier: Apache-2.0

public import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where log lines go: gathered in memory and written by one thread, so that neither an event loop nor a request ever waits
/// for a slow pipe.
///
/// What the reader of the pipe does not take is kept up to a bound; beyond it lines are dropped, and how many were is said
/// in the log itself.
public final class LogSink: Sendable {
    private struct Pending {
        var bytes: [UInt8] = []
        var isDrainQueued = false
        var dropped = 0
    }

    private let pending = Mutex(Pending())
    /// Held while writing, so that batches stay in order; holds the spare buffer.
    private let writing = Mutex<[UInt8]>([])
    private let descriptor: CInt
    private let capacity: Int
    private let gatheringMicroseconds: UInt32
    private let thread: NIOThreadPool

    /// - Parameters:
    ///   - descriptor: is written to, never closed.
    ///   - capacity: how many bytes may wait to be written.
    ///   - gathering: how long lines are gathered before they are written together.
    public init(descriptor: CInt = STDERR_FILENO, capacity: Int = 8 << 20, gathering: Duration = .milliseconds(10)) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.gatheringMicroseconds = UInt32(clamping: gathering.components.attoseconds / 1_000_000_000_000)
        self.thread = NIOThreadPool(numberOfThreads: 1)
        self.thread.start()
    }

    /// Stops the thread after writing what waits. A sink that lives as long as the process needs no closing, only `flush()`.
    public func close() async throws {
        flush()
        try await thread.shutdownGracefully()
    }

    /// Adds one line, which `body` writes with its line feed. `body` runs under a lock: it only appends.
    public func append(_ body: (inout [UInt8]) -> Void) {
        let mustQueue = pending.withLock { pending in
            guard pending.bytes.count < capacity else {
                pending.dropped += 1
                return false
            }
            body(&pending.bytes)
            defer { pending.isDrainQueued = true }
            return !pending.isDrainQueued
        }
        guard mustQueue else { return }
        thread.submit { _ in
            usleep(self.gatheringMicroseconds)
            self.flush()
        }
    }

    /// Writes everything that waits, on this thread. For the end of the process.
    public func flush() {
        writing.withLock { spare in
            var dropped = 0
            pending.withLock { pending in
                swap(&pending.bytes, &spare)
                dropped = pending.dropped
                pending.dropped = 0
                pending.isDrainQueued = false
            }
            write(spare)
            spare.removeAll(keepingCapacity: spare.capacity <= 1 << 20)
            if dropped > 0 {
                write(
                    Array(#"{"level":"warning","message":"log lines were dropped: the log is read too slowly","dropped":"#.utf8)
                        + Array("\(dropped)}\n".utf8))
            }
        }
    }

    private func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, !rest.isEmpty {
                #if canImport(Glibc)
                    let count = Glibc.write(descriptor, base, rest.count)
                #else
                    let count = Darwin.write(descriptor, base, rest.count)
                #endif
                if count > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                } else if count < 0, errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = systemPoll(&poll)
                } else if count >= 0 || errno != EINTR {
                    return  // Nobody reads the log any more: there is no place left to say so.
                }
            }
        }
    }

    private func systemPoll(_ descriptor: inout pollfd) -> CInt { poll(&descriptor, 1, 1000) }
}
