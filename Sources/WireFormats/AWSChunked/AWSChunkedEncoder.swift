// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Writes an aws-chunked body piece by piece.
///
/// ```swift
/// var encoder = AWSChunkedEncoder(.unsignedTrailer)
/// for try await piece in body { send(encoder.chunk(piece)) }
/// send(encoder.end(trailer: [NamedValue("x-amz-checksum-crc32c", checksum.value.base64)]))
/// ```
public struct AWSChunkedEncoder: Sendable {
    /// S3 accepts no smaller chunk, save for the last.
    public static let minChunkBytes = 8 * 1024

    private let form: AWSChunkedForm
    private var signatures: ChunkSignatures?

    public init(_ form: AWSChunkedForm) {
        self.form = form
        signatures = form.signatures
    }

    /// The chunk with this content, or no buffers when there is none: an empty chunk would be the end.
    public mutating func chunk(_ content: ByteBuffer) -> [ByteBuffer] {
        guard content.readableBytes > 0 else { return [] }
        return [header(content), content, ByteBuffer(string: "\r\n")]
    }

    /// What follows the last chunk. Without a trailer in its form, the body has none.
    public mutating func end(trailer: [NamedValue] = []) -> ByteBuffer {
        var end = header(ByteBuffer())
        if form.hasTrailer {
            for field in trailer { end.writeString("\(field.name):\(field.value)\r\n") }
            if let signature = signatures?.sign(trailer: trailer) {
                end.writeString("\(AWSChunkedForm.trailerSignatureField):\(signature)\r\n")
            }
        }
        end.writeString("\r\n")
        return end
    }

    /// The bytes of a whole body, for its `content-length`.
    /// - Parameters:
    ///   - contentBytes: Without the framing.
    ///   - chunkBytes: The content of each chunk but the last.
    ///   - trailer: With values of the length they will have.
    public static func encodedBytes(
        _ form: AWSChunkedForm, contentBytes: Int64, chunkBytes: Int64, trailer: [NamedValue] = []
    ) -> Int64 {
        precondition(contentBytes >= 0 && chunkBytes > 0)
        let lineEnd: Int64 = 2
        let signature = Int64(2 * SignedRequest.signatureBytes)
        let isSigned = form.signatures != nil
        func header(_ bytes: Int64) -> Int64 {
            Int64(String(bytes, radix: 16).utf8.count) + (isSigned ? Int64(signatureExtension.utf8.count) + signature : 0)
                + lineEnd
        }
        let (chunks, rest) = contentBytes.quotientAndRemainder(dividingBy: chunkBytes)
        var total = contentBytes + chunks * (header(chunkBytes) + lineEnd) + header(0) + lineEnd
        if rest > 0 { total += header(rest) + lineEnd }
        guard form.hasTrailer else { return total }
        for field in trailer { total += Int64(field.name.utf8.count + 1 + field.value.utf8.count) + lineEnd }
        if isSigned { total += Int64(AWSChunkedForm.trailerSignatureField.utf8.count) + 1 + signature + lineEnd }
        return total
    }

    private static let signatureExtension = ";chunk-signature="

    private mutating func header(_ content: ByteBuffer) -> ByteBuffer {
        var line = String(content.readableBytes, radix: 16)
        if signatures != nil {
            var hash = Checksum(.sha256)
            hash.update(content)
            if let signature = signatures?.sign(chunk: hash.value) { line += Self.signatureExtension + signature }
        }
        return ByteBuffer(string: line + "\r\n")
    }
}
