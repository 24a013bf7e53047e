// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Finds out where an endpoint is, once, and refuses addresses that this server must not talk to.
///
/// Whoever connects afterwards connects to the address that was looked at: a name that leads elsewhere a moment later leads nowhere else.
struct EndpointGuard: Sendable {
    typealias Resolve = @Sendable (_ host: String) async throws -> [InternetAddress]

    let policy: AddressPolicy
    let resolve: Resolve

    /// - Parameter resolve: what looks names up; the system, unless a test says otherwise.
    init(policy: AddressPolicy, resolve: @escaping Resolve = SystemResolver.resolve) {
        self.policy = policy
        self.resolve = resolve
    }

    /// Where to connect to for each of these hosts.
    /// - Throws: `StorageError` with `.invalidParameter` for one that is not allowed, `.backendUnavailable` for one that nobody knows.
    func addresses(of hosts: Set<String>) async throws -> [String: String] {
        var addresses: [String: String] = [:]
        for host in hosts {
            let found = try await resolve(host)
            // All of them: which one is first is for whoever answers for the name to say.
            guard found.allSatisfy(policy.allows) else {
                throw Self.refused("must not lead to an address of this machine or of a private network")
            }
            // The system lists those first that can be reached from here. RFC 6724.
            guard let address = found.first else { throw Self.unknown(nil) }
            addresses[host] = address.text
        }
        return addresses
    }

    /// Whether credentials and originals may be sent to an endpoint. Over the internet they must not go as they are.
    /// - Throws: `StorageError` with `.invalidParameter`.
    func requireSecrecy(of endpoint: ServiceEndpoint) throws(StorageError) {
        guard endpoint.scheme == "https" || policy == .privateToo else { throw Self.refused("must begin with https://") }
    }

    private static func refused(_ rule: String) -> StorageError {
        StorageError(.invalidParameter, "endpoint \(rule)", resource: "endpoint")
    }

    static func unknown(_ cause: (any Error)?) -> StorageError {
        StorageError(
            .backendUnavailable, "The name of the storage's endpoint can't be resolved", isRetryable: true, cause: cause)
    }
}

/// Looks names up as the system does.
enum SystemResolver {
    /// How long a look-up may take.
    private static let patience = Duration.seconds(5)
    /// The system's look-up waits in its thread.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 16)
        pool.start()
        return pool
    }()

    static func resolve(_ host: String) async throws -> [InternetAddress] {
        try await withThrowingTaskGroup(of: [InternetAddress].self) { group in
            group.addTask { try await lookUp(host) }
            group.addTask {
                try await Task.sleep(for: patience)
                throw EndpointGuard.unknown(nil)
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    /// Lets go when cancelled; the thread goes on until the system gives up.
    private static func lookUp(_ host: String) async throws -> [InternetAddress] {
        let (answers, answer) = AsyncStream.makeStream(of: Result<[InternetAddress], any Error>.self)
        threads.submit { state in
            answer.yield(
                state == .active ? Result { try addresses(of: host) } : .failure(EndpointGuard.unknown(nil)))
            answer.finish()
        }
        for await result in answers { return try result.get() }
        throw CancellationError()
    }

    private static func addresses(of host: String) throws -> [InternetAddress] {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        // No addresses of a family that this machine has none of.
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else { throw EndpointGuard.unknown(LookupFailure(status: status)) }
        defer { freeaddrinfo(list) }
        var found: [InternetAddress] = []
        var next = list
        while let entry = next {
            if let address = address(entry.pointee), !found.contains(address) { found.append(address) }
            next = entry.pointee.ai_next
        }
        return found
    }

    private static func address(_ entry: addrinfo) -> InternetAddress? {
        guard let socketAddress = entry.ai_addr else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let bytes: [UInt8]
        switch entry.ai_family {
        case AF_INET:
            bytes = socketAddress.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
            }
        case AF_INET6:
            bytes = socketAddress.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
            }
        default: return nil
        }
        guard inet_ntop(entry.ai_family, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        let end = text.firstIndex(of: 0) ?? text.endIndex
        return InternetAddress(
            bytes: bytes, text: String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}

/// The system's word on a name: `EAI_NONAME` and its like.
private struct LookupFailure: Error, CustomStringConvertible {
    let status: CInt
    var description: String { String(cString: gai_strerror(status)) }
}
