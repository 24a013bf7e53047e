// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A port whose queue is full: whoever connects to it hears nothing, as behind a firewall that drops what comes.
struct BlackHole {
    let port: UInt16
    private let sockets: [CInt]

    struct NotMade: Error {}

    init() throws {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listener, generic, length) == 0 && listen(listener, 0) == 0 && getsockname(listener, generic, &length) == 0
            }
        }
        var sockets = [listener]
        guard isBound else { throw NotMade() }
        // A queue of length 0 takes one connection, and the kernel drops what comes then.
        for _ in 0..<4 {
            let filler = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
            sockets.append(filler)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(filler, $0, length) }
            }
        }
        self.sockets = sockets
        port = UInt16(bigEndian: address.sin_port)
    }

    func close() { for socket in sockets { Glibc.close(socket) } }
}
