// SPDX-License-Identifier: Apache-2.0

import CChecksums
import Crypto
public import NIOCore

/// MD5 (RFC 1321) of several messages side by side.
///
/// Each step of MD5 needs the one before, so a processor that digests one message mostly waits. The lanes of a vector digest two in the
/// time of one, and sixteen in twice that time.
public enum MD5Lanes {
    /// How many messages are digested side by side at most. 1 where the processor has no vectors that are wide enough.
    public static let most = max(Int(cchecksums_md5_lanes()), 1)

    /// The digest of each message, in their order: 16 bytes.
    public static func digests(of messages: [ByteBuffer]) -> [[UInt8]] {
        guard most > 1, messages.count > 1 else {
            return messages.map { message in message.withUnsafeReadableBytes { Array(Insecure.MD5.hash(data: $0)) } }
        }
        var jobs: [cchecksums_message] = []
        jobs.reserveCapacity(messages.count)
        // The narrow vectors have the shorter steps.
        digest(messages[...], &jobs, lanes: messages.count > 8 ? most : 8)
        return jobs.map { job in withUnsafeBytes(of: job.digest) { Array($0) } }
    }

    /// Opens one message after the other, and digests them once all are open.
    private static func digest(_ messages: ArraySlice<ByteBuffer>, _ jobs: inout [cchecksums_message], lanes: Int) {
        guard let message = messages.first else {
            cchecksums_md5(&jobs, jobs.count, CInt(lanes))
            return
        }
        message.withUnsafeReadableBytes { bytes in
            jobs.append(cchecksums_message(bytes: bytes.baseAddress, count: bytes.count, digest: noDigest))
            digest(messages.dropFirst(), &jobs, lanes: lanes)
        }
    }

    private static let noDigest: Digest = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    private typealias Digest = (
        UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
    )
}
