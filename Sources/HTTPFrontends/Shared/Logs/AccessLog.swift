// SPDX-License-Identifier: Apache-2.0

public import Logging
import MediaCore
import Synchronization

/// One answered request, as the access log and the metrics see it.
struct AnsweredRequest {
    var id: String
    /// The front-end's name.
    var frontend: String
    var operation: String
    /// For whom it is counted.
    var bucket: BucketID?
    var method: String
    /// The request target as it was sent; its query is never logged.
    var target: String
    /// 499 when the client went away before the answer was complete.
    var status: Int
    var nanoseconds: Int64
    /// Of the body, in bytes.
    var bytesIn: Int64
    /// Of the body, in bytes.
    var bytesOut: Int64
    /// The error that was rendered, as one line.
    var error: String?

    /// Whether it is somebody's use: what was refused is not, and what a client broke off is as far as it came.
    var isUse: Bool { status < 400 || (status == Self.clientClosedRequest && bytesOut > 0) }

    /// The status of an answer that its client did not wait for (nginx's number).
    static let clientClosedRequest = 499
}

/// One line of JSON for each request, at level info.
///
/// The lines go straight to the sink: what a general log handler does for an event would cost a hot read more than the
/// read itself.
public struct AccessLog: Sendable {
    private let sink: LogSink
    private static let clock = Mutex(JSONLine.Clock())

    /// - Parameter level: nil is returned when lines of level info are not wanted.
    public init?(sink: LogSink, level: Logger.Level) {
        guard level <= .info else { return nil }
        self.sink = sink
    }

    func write(_ request: AnsweredRequest) {
        let path = Redaction.path(of: request.target)
        let now = Timestamp.now()
        sink.append { line in
            line.append(contentsOf: #"{"time":""#.utf8)
            Self.clock.withLock { $0.write(now, to: &line) }
            line.append(contentsOf: #"","level":"info","logger":"access","request_id":"#.utf8)
            JSONLine.quote(request.id, into: &line)
            line.append(contentsOf: #","method":"#.utf8)
            JSONLine.quote(request.method, into: &line)
            line.append(contentsOf: #","path":"#.utf8)
            JSONLine.quote(path, into: &line)
            line.append(contentsOf: #","status":"#.utf8)
            JSONLine.number(Int64(request.status), into: &line)
            line.append(contentsOf: #","operation":"#.utf8)
            JSONLine.quote(request.operation, into: &line)
            line.append(contentsOf: #","ms":"#.utf8)
            JSONLine.milliseconds(ofNanoseconds: request.nanoseconds, into: &line)
            line.append(contentsOf: #","bytes_in":"#.utf8)
            JSONLine.number(request.bytesIn, into: &line)
            line.append(contentsOf: #","bytes_out":"#.utf8)
            JSONLine.number(request.bytesOut, into: &line)
            if let error = request.error {
                line.append(contentsOf: #","error":"#.utf8)
                JSONLine.quote(error, into: &line)
            }
            line.append(contentsOf: "}\n".utf8)
        }
    }
}
