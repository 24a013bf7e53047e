// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
import MediaCore
public import NIOCore
import NIOHTTP1

/// A GET or HEAD request as the hot read path sees it: without a body, not yet converted to anything.
public struct HotRequest {
    /// True for HEAD.
    public let isHEAD: Bool
    /// The request target as it was sent: path and query.
    public let target: String
    private let headers: HTTPHeaders

    init(_ head: HTTPRequestHead) {
        self.isHEAD = head.method == .HEAD
        self.target = head.uri
        self.headers = head.headers
    }

    /// All of them, in the order they were sent.
    var fields: some Sequence<(name: String, value: String)> { headers }

    /// The first field of a name, in any case.
    public subscript(name: String) -> String? { headers.first(name: name) }

    /// Which of the formats that not every reader knows it accepts. As one field, however many there are: RFC 9110 §5.3.
    var acceptedFormats: AcceptedFormats { AcceptedFormats(field: headers[canonicalForm: "accept"].joined(separator: ",")) }

    /// Whether there is any of the fields: one pass over them.
    public func contains(anyOf names: [String]) -> Bool {
        headers.contains { field in
            names.contains { $0.utf8.count == field.name.utf8.count && $0.lowercased() == field.name.lowercased() }
        }
    }
}

/// A complete answer kept in memory. Its head is put together once, so it pays to keep the value as long as the object it
/// tells of.
public struct HotAnswer: Sendable {
    /// The status line and the fields, without the empty line.
    let head: ByteBuffer
    let status: Int
    private(set) var body: ByteBuffer
    let frontend: String
    let operation: String
    /// For whom it is counted.
    var bucket: BucketID?
    /// A field besides X-Request-ID that names the request, in lower case.
    var requestIDField: String?

    /// - Parameters:
    ///   - head: without Date, X-Request-ID and CORS fields, which every answer gets. Content-Length is set here.
    ///   - body: sent for GET.
    ///   - frontend: its name, for the metrics.
    ///   - operation: for the log and the metrics.
    public init(head: HTTPResponse, body: ByteBuffer, frontend: String, operation: String) {
        var bytes = ByteBuffer()
        bytes.writeString("HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n")
        for field in head.headerFields where field.name != .contentLength {
            bytes.writeString("\(field.name.rawName): \(field.value)\r\n")
        }
        // RFC 9110 §8.6: none with 204; with 304 it would have to be that of the 200.
        if head.status.code != 204, head.status.code != 304 {
            bytes.writeString("content-length: \(body.readableBytes)\r\n")
        }
        self.head = bytes
        self.status = head.status.code
        self.body = body
        self.frontend = frontend
        self.operation = operation
    }

    /// The same answer with another body of the same length: the one it was made with, or none to keep only the head.
    func with(body: ByteBuffer) -> HotAnswer {
        var answer = self
        answer.body = body
        return answer
    }
}

/// Finds the answer to a request in memory. Called on an event loop: it must not wait for anything.
public typealias HotLookup = @Sendable (HotRequest) -> HotAnswer?
