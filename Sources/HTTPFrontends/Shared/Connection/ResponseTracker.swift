// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// What the responder tells the connection about the response that it is about to write.
struct ResponseAnnouncement: Sendable {
    let record: AccessRecord
    /// The response's body, when the kernel shall send it. The response itself is then written without one.
    let file: FilePart?
}

/// Follows each response to its last byte, for the access log, and puts files in the place of bodies.
///
/// A file is named by a typed event of this process, not by a header field, so no client and no backend can name one.
final class ResponseTracker: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How much of a file is handed to the kernel at a time: what is left of it can't be taken back when disk or client stall.
    private static let regionSize: Int64 = 1 << 20

    /// Writes into the pipeline in front of the codec, which takes no files. Nil where the connection is not plain HTTP/1.
    private let codec: ChannelHandlerContext?
    private var announced: ResponseAnnouncement?
    private var status = 0
    private var bytesOut: Int64 = 0
    /// Body bytes of the requests that are not answered, in their order.
    private var bytesIn = CircularBuffer<Int64>(initialCapacity: 2)

    init(codec: ChannelHandlerContext?) { self.codec = codec }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: bytesIn.append(0)
        case .body(let part):
            if !bytesIn.isEmpty { bytesIn[bytesIn.index(before: bytesIn.endIndex)] += Int64(part.readableBytes) }
        case .end: break
        }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let event = event as? ResponseAnnouncement else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        announced = event
        promise?.succeed(())
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.code < 200: context.write(data, promise: promise)
        case .head(let head):
            status = head.status.code
            bytesOut = 0
            context.write(data, promise: promise)
        case .body(let part):
            bytesOut += Int64(part.readableBytes)
            announced?.record.note(bytesIn: bytesIn.first ?? 0, bytesOut: bytesOut)
            context.write(data, promise: promise)
        case .end: end(context, data, promise)
        }
    }

    private func end(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let received = bytesIn.popFirst() ?? 0
        guard let announced else { return context.write(data, promise: promise) }
        self.announced = nil
        if let file = announced.file, let codec {
            bytesOut = Int64(file.range.count)
            writeRegions(of: file, on: codec)
        }
        let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
        let (status, bytesOut, record) = (status, bytesOut, announced.record)
        // Where sending fails the record dies unreported, which reports it as aborted.
        sent.futureResult.whenSuccess { record.finish(status: status, bytesIn: received, bytesOut: bytesOut) }
        context.write(data, promise: sent)
    }

    private func writeRegions(of part: FilePart, on codec: ChannelHandlerContext) {
        var offset = part.range.lowerBound
        while offset < part.range.upperBound {
            let end = min(offset + Self.regionSize, part.range.upperBound)
            let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: part.file.descriptor)
            let region = FileRegion(fileHandle: handle, readerIndex: Int(offset), endIndex: Int(end))
            let sent = codec.eventLoop.makePromise(of: Void.self)
            sent.futureResult.whenComplete { _ in
                // The descriptor belongs to the file, which closes it with its last reference: this one.
                withExtendedLifetime(part.file) { _ = try? handle.takeDescriptorOwnership() }
            }
            codec.write(NIOAny(HTTPServerResponsePart.body(.fileRegion(region))), promise: sent)
            offset = end
        }
    }
}
