// SPDX-License-Identifier: Apache-2.0

/// The chain of signatures of an aws-chunked body: each covers its chunk and the signature before it, the first one that of
/// the request.
public struct ChunkSignatures: Hashable, Sendable {
    private static let empty = Checksum.of([], .sha256).hexadecimal

    private let key: SigningKey
    private let time: SigningTime
    private var previous: String

    init(seed: [UInt8], key: SigningKey, time: SigningTime) {
        self.key = key
        self.time = time
        previous = Hexadecimal.encode(seed)
    }

    /// Whether the signature is that of the next chunk. If so, the one after it is next.
    mutating func verify(_ signature: [UInt8], chunk: ChecksumValue) -> Bool {
        verify(signature, of: chunkText(chunk))
    }

    /// Whether the signature is that of the trailer, after the last chunk.
    mutating func verify(_ signature: [UInt8], trailer: [NamedValue]) -> Bool {
        verify(signature, of: trailerText(trailer))
    }

    /// The signature of the next chunk, in hexadecimal digits.
    mutating func sign(chunk: ChecksumValue) -> String { sign(chunkText(chunk)) }

    /// The signature of the trailer, after the last chunk.
    mutating func sign(trailer: [NamedValue]) -> String { sign(trailerText(trailer)) }

    private mutating func verify(_ signature: [UInt8], of text: String) -> Bool {
        guard key.isValid(signature, of: text) else { return false }
        previous = Hexadecimal.encode(signature)
        return true
    }

    private mutating func sign(_ text: String) -> String {
        previous = Hexadecimal.encode(key.sign(text))
        return previous
    }

    private func chunkText(_ chunk: ChecksumValue) -> String {
        "AWS4-HMAC-SHA256-PAYLOAD\n\(time.basic)\n\(key.scope)\n\(previous)\n\(Self.empty)\n\(chunk.hexadecimal)"
    }

    private func trailerText(_ trailer: [NamedValue]) -> String {
        let lines = trailer.map { "\($0.name):\($0.value)\n" }.joined()
        let digest = Checksum.of(lines.utf8, .sha256).hexadecimal
        return "AWS4-HMAC-SHA256-TRAILER\n\(time.basic)\n\(key.scope)\n\(previous)\n\(digest)"
    }
}
