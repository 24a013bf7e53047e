// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
import Logging
import MediaCore
import NIOCore

/// What operators and orchestrators ask: `/healthz` (the process lives), `/readyz` (it can serve), `/metrics`.
public struct OperationsFrontend: Frontend {
    public let name = "operations"

    private let runs: [ReadinessRun]
    private let registry: PrometheusRegistry
    private let checkTimeout: Duration

    /// - Parameter checkTimeout: how long a check may take before it counts as failed.
    public init(checks: [ReadinessCheck], registry: PrometheusRegistry, checkTimeout: Duration = .seconds(3)) {
        self.runs = checks.map(ReadinessRun.init)
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
        for check in runs {
            do {
                try await check.result(within: checkTimeout)
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
                for check in runs {
                    writer.field(check.name, failures.first { $0.name == check.name }?.reason ?? "ok")
                }
            }
        }
        return .text(body, "application/json; charset=utf-8", status: failures.isEmpty ? .ok : .serviceUnavailable)
    }
}

extension Response {
    fileprivate static func text(_ text: String, _ contentType: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
