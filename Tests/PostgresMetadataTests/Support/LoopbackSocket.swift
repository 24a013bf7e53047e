// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A TCP socket on a free loopback port, closed with the object.
final class LoopbackSocket {
    let port: UInt16
    private let descriptor: Int32

    /// - Parameter listening: connections are taken by the kernel, and nobody ever answers.
    init(listening: Bool = false) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isBound, !listening || listen(descriptor, 8) == 0 else { throw ChildProcess.Failure(status: errno) }
    }

    /// Whether somebody has connected.
    var hasCaller: Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) == 1
    }

    deinit { close(descriptor) }
}
