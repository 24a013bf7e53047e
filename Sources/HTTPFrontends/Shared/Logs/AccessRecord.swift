// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import MediaCore
import NIOCore
import Synchronization

/// Where answered requests are reported: the access log, the metrics, and what projects use.
public struct RequestObserver: Sendable {
    private let log: AccessLog?
    private let metrics: RequestMetrics
    private let usage: UsageMeter?

    public init(log: AccessLog?, metrics: RequestMetrics, usage: UsageMeter? = nil) {
        self.log = log
        self.metrics = metrics
        self.usage = usage
    }

    func report(_ request: AnsweredRequest) {
        metrics.count(request)
        if let bucket = request.bucket, request.isUse { usage?.answered(for: bucket, bytes: request.bytesOut) }
        log?.write(request)
    }
}

/// A request on its way to the access log.
///
/// It is reported exactly once: when its answer has been handed to the kernel, or, if it dies before that, as one whose
/// client went away or whose body could not be produced.
final class AccessRecord: Sendable {
    private let id: String
    private let frontend: String
    private let head: HTTPRequest
    private let began: NIODeadline
    private let trace: RequestTrace
    private let observer: RequestObserver
    private struct Progress {
        var isReported = false
        var bytesIn: Int64 = 0
        var bytesOut: Int64 = 0
    }
    private let progress = Mutex(Progress())

    init(id: String, frontend: String, head: HTTPRequest, began: NIODeadline, trace: RequestTrace, observer: RequestObserver) {
        self.id = id
        self.frontend = frontend
        self.head = head
        self.began = began
        self.trace = trace
        self.observer = observer
    }

    deinit { report(status: trace.bodyFailed ? 500 : AnsweredRequest.clientClosedRequest) }

    /// Notes how much has passed so far, for the case that the rest never does.
    func note(bytesIn: Int64, bytesOut: Int64) {
        progress.withLock { ($0.bytesIn, $0.bytesOut) = (bytesIn, bytesOut) }
    }

    /// The body could not be produced, after the head was out.
    func failBody(_ error: any Error) { trace.failBody(error) }

    /// The answer is complete.
    func finish(status: Int, bytesIn: Int64, bytesOut: Int64) {
        note(bytesIn: bytesIn, bytesOut: bytesOut)
        report(status: status)
    }

    private func report(status: Int) {
        let counts: Progress? = progress.withLock { progress in
            guard !progress.isReported else { return nil }
            progress.isReported = true
            return progress
        }
        guard let counts else { return }
        observer.report(
            AnsweredRequest(
                id: id, frontend: frontend, operation: trace.operation, bucket: trace.bucket, method: head.method.rawValue,
                target: head.path ?? "",
                status: status, nanoseconds: (NIODeadline.now() - began).nanoseconds, bytesIn: counts.bytesIn,
                bytesOut: counts.bytesOut, error: trace.error))
    }
}
