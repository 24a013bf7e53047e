// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
import Logging
import MediaCore
import NIOCore

/// Something that must work for the server to be of use.
public struct ReadinessCheck: Sendable {
    /// `database`, `blobs`.
    public let name: String
    /// Returns when it works.
    public let run: @Sendable () async throws -> Void

    public init(_ name: String, run: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.run = run
    }
}

/// What operators and orchestrators ask: `/healthz` (the process lives), `/readyz` (it can serve), `/metrics`.
public struct OperationsFrontend: Frontend {
    public let name = "operations"

    private let checks: [ReadinessCheck]
    private let registry: PrometheusRegistry
    private let checkTimeout: Duration

    /// - Parameter checkTimeout: how long a check may take before it counts as failed.
    public init(checks: [ReadinessCheck], registry: PrometheusRegistry, checkTimeout: Duration = .seconds(3)) {
        self.checks = checks
        self.registry = registry
        self.checkTimeout = checkTimeout
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        switch request.uri.path {
        case "/healthz": context.trace.operation = "operations.health"
        case "/readyz": context.trace.operation = "operations.ready"
        case "/metrics": context.trace.operation = "operations.metrics"
        default: return nil
        }
        guard request.method == .get || request.method == .head else {
            return Response(status: .methodNotAllowed, headers: [.allow: "GET, HEAD"])
        }
        switch request.uri.path {
        case "/healthz": return .text("ok\n", "text/plain; charset=utf-8")
        case "/readyz": return await readiness(context)
        default: return .text(registry.render(), PrometheusText.contentType)
        }
    }

    private func readiness(_ context: MagpieRequestContext) async -> Response {
        var failures: [(name: String, reason: String)] = []
        for check in checks {
            do {
                try await run(check)
            } catch {
                // What is shown is for operators, and yet the path is open: no host, no path, no credentials.
                failures.append((check.name, (error as? StorageError)?.message ?? "failed"))
                context.logger.warning("not ready", metadata: ["check": "\(check.name)", "error": "\(error)"])
            }
        }
        let body = JSONWriter.object { writer in
            writer.field("ready", failures.isEmpty)
            writer.key("checks")
            writer.object { writer in
                for check in checks {
                    writer.field(check.name, failures.first { $0.name == check.name }?.reason ?? "ok")
                }
            }
        }
        return .text(body, "application/json; charset=utf-8", status: failures.isEmpty ? .ok : .serviceUnavailable)
    }

    private func run(_ check: ReadinessCheck) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await check.run() }
            group.addTask { [checkTimeout] in
                try await Task.sleep(for: checkTimeout)
                throw StorageError(.timedOut, "no answer in time")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

extension Response {
    fileprivate static func text(_ text: String, _ contentType: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
