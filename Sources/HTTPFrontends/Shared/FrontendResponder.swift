// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
import Logging
import MediaCore
import NIOCore

/// The application's responder: asks the front-ends in order and sees to what all of them have in common — request ids, CORS,
/// answers to HEAD, the access log and the metrics.
///
/// There is no router: front-ends tell paths apart on their raw bytes.
public struct FrontendResponder: HTTPResponder {
    public typealias Context = MagpieRequestContext

    private let frontends: [any Frontend]
    private let cors: CORSPolicy
    private let observer: RequestObserver
    private let sendsFiles: Bool

    /// - Parameters:
    ///   - frontends: in the order in which they are asked.
    ///   - sendsFiles: whether the listener is plain HTTP/1, so that the kernel can send files itself.
    public init(frontends: [any Frontend], cors: CORSPolicy, observer: RequestObserver, sendsFiles: Bool) {
        self.frontends = frontends
        self.cors = cors
        self.observer = observer
        self.sendsFiles = sendsFiles
    }

    public func respond(to request: Request, context: Context) async throws -> Response {
        let began = NIODeadline.now()
        let id = RequestID.accepting(request.headers[.xRequestID])
        var context = context
        context.logger[metadataKey: "hb.request.id"] = .string(id)
        context.trace.requestID = id

        var (response, frontend) = await answer(request, context)

        response.headers[.xRequestID] = id
        if !context.trace.decidedCORS { cors.decorate(&response.headers, origin: request.headers[.origin]) }
        if request.method == .head { response = response.createHeadResponse() }

        let record = AccessRecord(
            id: id, frontend: frontend, head: request.head, began: began, trace: context.trace, observer: observer)
        return submit(record, with: response, context)
    }

    private func answer(_ request: Request, _ context: Context) async -> (Response, frontend: String) {
        if let fields = cors.preflight(request.head) {
            for frontend in frontends {
                if let response = await frontend.preflight(request, context: context) { return (response, frontend.name) }
            }
            context.trace.operation = "cors.preflight"
            return (Response(status: .noContent, headers: fields), "server")
        }
        for frontend in frontends {
            if let response = await frontend.respond(to: request, context: context) { return (response, frontend.name) }
        }
        context.trace.operation = "unrouted"
        return (.notRouted(request.head), "server")
    }

    /// Hands the record, and a body that the kernel shall send, to the connection ahead of the response. Events and writes of
    /// one task reach the event loop in order.
    private func submit(_ record: AccessRecord, with response: Response, _ context: Context) -> Response {
        guard let channel = context.channel else {
            record.finish(status: response.status.code, bytesIn: 0, bytesOut: Int64(response.body.contentLength ?? 0))
            return response
        }
        var response = response
        var file: FilePart?
        if sendsFiles, let part = context.trace.file, response.body.contentLength == part.range.count {
            file = part
            response = response.createHeadResponse()
        }
        channel.triggerUserOutboundEvent(ResponseAnnouncement(record: record, file: file), promise: nil)
        return response
    }
}

extension Response {
    /// What every path gets that no front-end knows. Clients of the root dialect compare the message.
    static func notRouted(_ head: HTTPRequest) -> Response {
        let body = JSONWriter.object { writer in
            writer.field("statusCode", "404")
            writer.field("error", "Not Found")
            writer.field("message", "Route \(head.method.rawValue):\(head.path ?? "") not found")
            writer.field("code", "InvalidRequest")
        }
        return Response(
            status: .notFound, headers: [.contentType: "application/json; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
    }
}
