// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import HTTPFrontends

/// The whole HTTP stack over one front-end that a test writes as a closure, on a port of its own.
struct LiveServer {
    typealias Respond = @Sendable (Request, MagpieRequestContext) async -> Response?

    struct Running {
        let port: Int
        let client: any TestClientProtocol
        let log: CapturedLog
        let registry: PrometheusRegistry
    }

    private struct ClosureFrontend: Frontend {
        let name = "test"
        let respond: Respond
        func respond(to request: Request, context: MagpieRequestContext) async -> Response? { await respond(request, context) }
    }

    var limits = ConnectionLimits()
    var cors = CORSPolicy()
    var hot: HotLookup?
    var sendsFiles = true
    var respond: Respond

    func run<Value>(_ test: @Sendable (Running) async throws -> Value) async throws -> Value {
        let log = try CapturedLog()
        let registry = PrometheusRegistry()
        let observer = RequestObserver(
            log: AccessLog(sink: log.sink, level: .info), metrics: RequestMetrics(factory: registry))
        let handlers = ConnectionHandlers(limits: limits, cors: cors, observer: observer, hot: hot, sendsFiles: sendsFiles)
        let app = Application(
            responder: FrontendResponder(
                frontends: [ClosureFrontend(respond: respond)], cors: cors, observer: observer, sendsFiles: sendsFiles),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: handlers.make(),
                    httpDecoderConfiguration: limits.decoder)),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        return try await app.test(.live) { client in
            guard let port = client.port else { throw TestFailure("no port") }
            return try await test(Running(port: port, client: client, log: log, registry: registry))
        }
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A value that a test and what it tests both touch.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    init(_ value: Value) { mutex = Mutex(value) }
    var value: Value { mutex.withLock { $0 } }
    func update(_ body: (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}

/// A log that goes into a pipe, and what came out of it.
final class CapturedLog: Sendable {
    let sink: LogSink
    private let pipe: (read: CInt, write: CInt)
    private let seen = Mutex("")

    init(capacity: Int = 8 << 20, gathering: Duration = .zero) throws {
        var ends: [CInt] = [0, 0]
        guard Glibc.pipe(&ends) == 0, fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 else { throw TestFailure("no pipe") }
        self.pipe = (ends[0], ends[1])
        self.sink = LogSink(descriptor: ends[1], capacity: capacity, gathering: gathering)
    }

    deinit {
        close(pipe.read)
        close(pipe.write)
    }

    /// The lines so far.
    func lines() -> [String] {
        sink.flush()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(pipe.read, &buffer, buffer.count)
            guard count > 0 else { break }
            seen.withLock { $0 += String(decoding: buffer[..<count], as: UTF8.self) }
        }
        return seen.withLock { $0 }.split(separator: "\n").map(String.init)
    }

    /// The lines once there are `count` of them: a line is written when the kernel has the answer's last byte, which its
    /// client may have read before that.
    func lines(count: Int) async throws -> [String] {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            let lines = lines()
            if lines.count >= count { return lines }
            await Task.yield()
        }
        throw TestFailure("only \(lines().count) log lines")
    }
}
