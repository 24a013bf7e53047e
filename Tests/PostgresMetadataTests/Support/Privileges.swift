// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Takes privileges of root away from a thread for a while.
enum Privileges {
    struct Failure: Error {}

    private typealias Call = @convention(c) (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Int32
    /// `_LINUX_CAPABILITY_VERSION_3` of linux/capability.h.
    private static let version: UInt32 = 0x2008_0522
    private static let tracing: UInt32 = 1 << 19

    /// Runs `body` without CAP_SYS_PTRACE, like root in most containers.
    static func withoutTracing<Value>(_ body: () throws -> Value) throws -> Value {
        // In glibc, but in no header of its own.
        guard let get = dlsym(nil, "capget"), let set = dlsym(nil, "capset") else { throw Failure() }
        let capget = unsafeBitCast(get, to: Call.self)
        let capset = unsafeBitCast(set, to: Call.self)
        // The version, and zero for the calling thread; then twice the effective, permitted and inheritable set.
        var header: [UInt32] = [version, 0]
        var sets = [UInt32](repeating: 0, count: 6)
        guard capget(&header, &sets) == 0 else { throw Failure() }
        var fewer = sets
        fewer[0] &= ~tracing
        guard capset(&header, &fewer) == 0 else { throw Failure() }
        let result = Result { try body() }
        guard capset(&header, &sets) == 0 else { throw Failure() }
        return try result.get()
    }
}
