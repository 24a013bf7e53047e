// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import NIOCore
import WireFormats

/// The body of a request with all that S3 wraps around it taken off, and verified on its way.
///
/// What does not fit is thrown where the body ends, so that whoever stores the bytes stores nothing: digests of the head,
/// signatures of chunks, the trailer.
struct S3Body: Sendable {
    let stream: ByteStream
    let checks: S3BodyChecks

    /// - Parameters:
    ///   - wanted: A checksum that is needed whether the client sends it or not.
    ///   - fields: Where the digests of the body are. Nil: in the head of the request.
    /// - Throws: `S3Error` for a head that contradicts itself.
    init(
        _ request: Request, _ identity: S3Identity, _ context: MagpieRequestContext, computing wanted: ChecksumAlgorithm? = nil,
        digests fields: HTTPFields? = nil
    ) throws(S3Error) {
        let checks = try S3BodyChecks(fields ?? request.headers, payload: identity.payload, computing: wanted)
        let raw = request.byteStream(context)
        var decoder: AWSChunkedDecoder?
        var length = raw.length
        if let signatures = identity.signatures, let form = AWSChunkedForm(identity.payload, signatures: signatures) {
            guard let text = request.headers[.amzDecodedContentLength], let decoded = Int64(text), decoded >= 0 else {
                throw .missingContentLength
            }
            length = decoded
            decoder = AWSChunkedDecoder(
                form, decodedLength: decoded, announcedTrailer: S3Fields.list(request.headers[.amzTrailer]))
        }
        self.checks = checks
        stream = ByteStream(length: length, chunks: VerifiedChunks(base: raw, decoder: decoder, checks: checks))
    }

    /// The whole body, for documents.
    /// - Throws: `S3Error.malformedXML` for one that is larger than any document may be; what reading it throws.
    func collect(upTo limit: Int) async throws -> ByteBuffer {
        if let length = stream.length, length > Int64(limit) { throw S3Error.malformedXML }
        var whole = ByteBuffer()
        for try await chunk in stream.chunks {
            guard whole.readableBytes + chunk.readableBytes <= limit else { throw S3Error.malformedXML }
            whole.writeImmutableBuffer(chunk)
        }
        return whole
    }
}

extension S3BodyChecks {
    /// `body` as it is, computed and verified.
    func stream(_ body: ByteStream) -> ByteStream {
        ByteStream(length: body.length, chunks: VerifiedChunks(base: body, decoder: nil, checks: self))
    }
}

/// The content of a body, digested as it passes.
private struct VerifiedChunks: AsyncSequence, Sendable {
    typealias Failure = any Error
    let base: ByteStream
    let decoder: AWSChunkedDecoder?
    let checks: S3BodyChecks

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(
            base: Self.iterator(base.chunks), decoder: decoder, checks: checks,
            checksums: checks.algorithms.map { ($0, Checksum($0)) })
    }

    private static func iterator(
        _ chunks: some AsyncSequence<ByteBuffer, any Error>
    ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> { chunks.makeAsyncIterator() }

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: any AsyncIteratorProtocol<ByteBuffer, any Error>
        var decoder: AWSChunkedDecoder?
        let checks: S3BodyChecks
        var checksums: [(algorithm: ChecksumAlgorithm, checksum: Checksum)]
        var trailer: [NamedValue] = []
        var isOver = false

        mutating func next() async throws -> ByteBuffer? {
            while !isOver {
                if let content = try decoded() { return content }
                guard let chunk = try await base.next(isolation: nil) else {
                    // Some streams simply end when their task is cancelled. That is no complete body.
                    try Task.checkCancellation()
                    isOver = true
                    try finish()
                    return nil
                }
                guard decoder != nil else { return digested(chunk) }
                decoder?.push(chunk)
            }
            return nil
        }

        /// The next content that the decoder has.
        private mutating func decoded() throws -> ByteBuffer? {
            while let event = try decoder?.next() {
                switch event {
                case .body(let content): return digested(content)
                case .end(let fields): trailer = fields
                }
            }
            return nil
        }

        private mutating func digested(_ content: ByteBuffer) -> ByteBuffer {
            for index in checksums.indices { checksums[index].checksum.update(content) }
            return content
        }

        private mutating func finish() throws {
            try decoder?.finish()
            let computed = checksums.map { ($0.algorithm, $0.checksum.value) }
            try checks.verify(Dictionary(uniqueKeysWithValues: computed), trailer: trailer)
        }
    }
}
