// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#endif

/// How long a client has taken nothing of what waits for it on its connection.
///
/// A write is complete when the kernel has all of it, which for a large one and a slow client takes longer than any timeout,
/// so what counts is what the client's side has acknowledged.
struct SendClock {
    /// Whether there is something that the kernel has not taken yet.
    private(set) var isWaiting = false
    /// When the client's side last acknowledged anything.
    private(set) var lastTaken = NIODeadline.now()
    /// When it did, or nothing waited for it.
    private var lastProgress = NIODeadline.now()
    private var acknowledged: UInt64?

    /// Looks at the connection. To be called at every tick, so that progress between two of them is seen.
    mutating func look(_ now: NIODeadline, at channel: any Channel) {
        let acknowledged = Self.acknowledgedBytes(of: channel)
        if let acknowledged, let before = self.acknowledged, acknowledged != before { lastTaken = now }
        self.acknowledged = acknowledged
        isWaiting = Self.hasUnsentBytes(channel)
        lastProgress = isWaiting ? max(lastProgress, lastTaken) : now
    }

    func hasStalled(_ now: NIODeadline, _ limits: ConnectionLimits) -> Bool { now - lastProgress > limits.sendTimeout }

    private static func hasUnsentBytes(_ channel: any Channel) -> Bool {
        do {
            return try channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0 > 0
        } catch {
            // A channel that is closed has nothing to send.
            return false
        }
    }

    /// What the other side of a TCP connection has confirmed to have received since the connection began. Nil where the kernel
    /// does not tell.
    private static func acknowledgedBytes(of channel: any Channel) -> UInt64? {
        #if os(Linux)
            // `tcpi_bytes_acked` of `struct tcp_info` in linux/tcp.h. The one in glibc's headers ends before it.
            let position = 120
            do {
                return try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                    socket in
                    withUnsafeTemporaryAllocation(byteCount: position + 8, alignment: 8) { info in
                        var length = socklen_t(info.count)
                        guard getsockopt(socket, CInt(IPPROTO_TCP), TCP_INFO, info.baseAddress, &length) == 0,
                            Int(length) == info.count
                        else { return nil }
                        return info.load(fromByteOffset: position, as: UInt64.self)
                    }
                } ?? nil
            } catch {
                return nil
            }
        #else
            return nil
        #endif
    }
}
