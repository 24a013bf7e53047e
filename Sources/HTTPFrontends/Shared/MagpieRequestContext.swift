// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
public import MediaCore
public import NIOCore
import Synchronization

/// What belongs to one request and is not in its head: the connection, the logger, the request id, and what the front-end
/// found out on the way that the access log and the metrics want to know.
public struct MagpieRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The connection. Nil in router-level tests.
    public let channel: (any Channel)?
    /// What is learned while the request is served.
    public let trace: RequestTrace

    public init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
        self.trace = RequestTrace()
    }
}

/// Notes about one request for its access log line and metrics.
public final class RequestTrace: Sendable {
    private struct Notes {
        var requestID = RequestID.next()
        var operation = "unknown"
        var bucket: BucketID?
        var error: String?
        var file: FilePart?
        var bodyFailed = false
        var decidedCORS = false
    }

    private let notes = Mutex(Notes())

    public init() {}

    /// Ties the log lines of one request together, and the answer to them. The client's own where it sent a usable one.
    public var requestID: String {
        get { notes.withLock { $0.requestID } }
        set { notes.withLock { $0.requestID = newValue } }
    }

    /// The operation's name (`storage.object.get_public`), of a small closed set: it labels metrics.
    public var operation: String {
        get { notes.withLock { $0.operation } }
        set { notes.withLock { $0.operation = newValue } }
    }

    /// The bucket that the request is about, for which its answer is counted. It need not exist.
    public var bucket: BucketID? {
        get { notes.withLock { $0.bucket } }
        set { notes.withLock { $0.bucket = newValue } }
    }

    /// The file that the response's body is made of, so that the kernel can send it where the connection allows that.
    var file: FilePart? {
        get { notes.withLock { $0.file } }
        set { notes.withLock { $0.file = newValue } }
    }

    /// Whether a front-end decided by rules of its own which pages may read the answer.
    var decidedCORS: Bool {
        get { notes.withLock { $0.decidedCORS } }
        set { notes.withLock { $0.decidedCORS = newValue } }
    }

    /// The response's head was already out when its body could not be produced: the connection is cut.
    func failBody(_ error: any Error) {
        notes.withLock { notes in
            notes.error = "\(error)"
            notes.bodyFailed = true
        }
    }
    var bodyFailed: Bool { notes.withLock { $0.bodyFailed } }

    /// The error that was rendered, as one line for the log.
    public var error: String? {
        get { notes.withLock { $0.error } }
        set { notes.withLock { $0.error = newValue } }
    }
}
