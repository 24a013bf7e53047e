// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Finds out what the bytes of an asset say of themselves, whatever anybody says of them.
///
/// Images are in memory while they are looked at, as many at a time as the processor computes.
struct MediaExaminer: Sendable {
    /// What was found.
    struct Findings: Sendable {
        var facts: AssetFacts
        var exif: [String: String] = [:]
        /// A frame of a video, as a JPEG.
        var poster: ByteBuffer?
    }

    /// Nil: images are taken as they are.
    let processor: (any ImageProcessor)?
    let converter: (any MediaConverter)?
    let gate: RenderGate
    let timeout: TimeAmount

    /// - Parameter order: whose work it is.
    /// - Throws: `StorageError` with `.unreadableImage`, `.imageTooLarge`, `.renderTimedOut`, `.overloaded`, `.invalidRequest` for PostScript
    ///   that lacks what is needed; what reading throws.
    func examine(_ content: BlobContent, as kind: MediaKind, for order: ConversionOrder) async throws -> Findings {
        if kind.isVideo { return try await video(content, kind, order) }
        if kind == .eps { return try await document(content) }
        return try await image(content, kind)
    }

    /// As `examine`, for an SVG document, which is to be stored sanitised.
    /// - Returns: with it what is to be stored. Nil where there is no processor: as it is.
    func sanitized(_ content: BlobContent) async throws -> (findings: Findings, document: ByteBuffer?) {
        guard let processor else { return (Findings(facts: AssetFacts(.svg, size: content.size)), nil) }
        return try await gate.run {
            let bytes = try await content.allBytes()
            let document = try await processor.sanitized(bytes, deadline: .now() + timeout)
            let found = try await inspect(bytes, processor)
            return (Findings(.svg, size: Int64(document.readableBytes), found), document)
        }
    }

    private func image(_ content: BlobContent, _ kind: MediaKind) async throws -> Findings {
        guard let processor else { return Findings(facts: AssetFacts(kind, size: content.size)) }
        return try await gate.run {
            var content = content
            // All that is asked of a JPEG stands in front of its pixels.
            if kind == .jpeg, content.size > Self.jpegHeadBytes {
                let head = try await content.readHead(Self.jpegHeadBytes)
                if let found = try await readable(head, processor) { return Findings(kind, size: content.size, found) }
            }
            return Findings(kind, size: content.size, try await inspect(try await content.allBytes(), processor))
        }
    }

    private func inspect(_ bytes: ByteBuffer, _ processor: any ImageProcessor) async throws -> ImageFacts {
        try await Self.timed { try await processor.inspect(bytes, deadline: .now() + timeout) }
    }

    /// Nil where the beginning of an image does not do.
    private func readable(_ head: ByteBuffer, _ processor: any ImageProcessor) async throws -> ImageFacts? {
        do {
            return try await inspect(head, processor)
        } catch let error as StorageError where error.code == .unreadableImage {
            return nil
        }
    }

    /// What the beginning of an image says, or the whole of it where it is no longer than that.
    /// - Returns: `isComplete` is whether nothing more is to be found in the rest.
    /// - Throws: as `examine`; where only the beginning was seen, nothing of what is wrong with it but that the image is too large.
    func glance(
        at head: ByteBuffer, of kind: MediaKind, size: Int64
    ) async throws -> (findings: Findings, isComplete: Bool) {
        let unknown = Findings(facts: AssetFacts(kind, size: size))
        guard let processor else { return (unknown, true) }
        return try await gate.run {
            if Int64(head.readableBytes) >= size { return (Findings(kind, size: size, try await inspect(head, processor)), true) }
            guard let found = try await readable(head, processor) else { return (unknown, false) }
            // In other formats what a camera says of the image may stand behind the pixels.
            return (Findings(kind, size: size, found), [.jpeg, .png, .gif].contains(kind))
        }
    }

    private func document(_ content: BlobContent) async throws -> Findings {
        let head = try await content.stream().withHead(PostScriptHeader.length).head
        var facts = AssetFacts(.eps, size: content.size)
        (facts.width, facts.height) = try Self.header(head).size()
        return Findings(facts: facts)
    }

    /// - Throws: `StorageError` with `.invalidRequest` that says what is missing.
    static func header(_ head: ByteBuffer) throws(StorageError) -> PostScriptHeader {
        do {
            return try PostScriptHeader(head)
        } catch {
            throw StorageError(.invalidRequest, error.message, cause: error)
        }
    }

    private func video(_ content: BlobContent, _ kind: MediaKind, _ order: ConversionOrder) async throws -> Findings {
        var findings = Findings(facts: AssetFacts(kind, size: content.size))
        guard let converter, converter.abilities.contains(.videos) else { return findings }
        do {
            return try await converter.withWorkspace(for: order) { workspace in
                let file = try await workspace.receive(content.stream(), limit: content.size)
                let video = try await workspace.facts(ofVideo: file)
                (findings.facts.width, findings.facts.height) = (video.width, video.height)
                findings.facts.duration = video.duration
                findings.facts.hasAudio = video.hasAudio
                findings.facts.codec = video.codec
                findings.poster = try await workspace.poster(ofVideo: file, video, in: workspace)
                return findings
            }
        } catch let failure as ConversionFailure {
            throw failure.storageError
        }
    }

    private static func timed<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch var error as StorageError where error.code == .timedOut {
            error.code = .renderTimedOut
            throw error
        }
    }
}

extension ConversionWorkspace {
    /// The poster's bytes. Nil where no frame can be decoded, which makes it no worse a video.
    fileprivate func poster(
        ofVideo file: WorkFile, _ facts: VideoFacts, in workspace: any ConversionWorkspace
    ) async throws -> ByteBuffer? {
        do {
            let poster = try await workspace.poster(ofVideo: file, facts)
            return try await workspace.contents(of: poster).collected(upTo: MediaExaminer.mostPictureBytes)
        } catch let failure as ConversionFailure where !failure.isRetryable {
            return nil
        }
    }
}

extension MediaExaminer {
    /// A frame or a page is no larger, in bytes.
    static let mostPictureBytes = 128 << 20

    /// Where the frame header of nearly every JPEG has come, in bytes: behind EXIF, a preview and colour profiles.
    fileprivate static let jpegHeadBytes = 512 << 10
}

extension MediaExaminer.Findings {
    fileprivate init(_ kind: MediaKind, size: Int64, _ found: ImageFacts) {
        facts = AssetFacts(kind, size: size)
        (facts.width, facts.height, facts.orientation) = (found.width, found.height, found.orientation)
        exif = found.exif
    }
}

extension AssetFacts {
    /// What the kind alone says.
    init(_ kind: MediaKind, size: Int64) {
        let sort: AssetKind = kind.isVideo ? .video : kind == .eps ? .document : .image
        self.init(kind: sort, mediaType: kind.mediaType, size: size)
    }
}

extension BlobContent {
    /// The first bytes, as `ByteStream.withHead` has them. What comes from far away can be read only once: the content has them still.
    mutating func readHead(_ count: Int) async throws -> ByteBuffer {
        let (head, all) = try await stream().withHead(count)
        if case .stream = source { source = .stream(all) }
        return head
    }

    /// The same content, to be read as often as one likes.
    func inMemory() async throws -> BlobContent {
        guard case .stream = source else { return self }
        return BlobContent(source: .buffer(try await allBytes()), size: size, range: range)
    }

    /// All bytes in memory. They were held against a limit before.
    func allBytes() async throws -> ByteBuffer {
        if case .buffer(let bytes) = source { return bytes }
        return try await stream().collected(upTo: Int(clamping: size))
    }
}

extension ByteStream {
    /// All bytes in memory.
    /// - Throws: `StorageError` with `.tooLarge` past the limit, which is in bytes; what the stream throws.
    func collected(upTo limit: Int) async throws -> ByteBuffer {
        var bytes = ByteBuffer()
        if let length { bytes.reserveCapacity(min(Int(clamping: length), limit)) }
        for try await chunk in chunks {
            guard bytes.readableBytes + chunk.readableBytes <= limit else { throw StorageError.tooLarge() }
            bytes.writeImmutableBuffer(chunk)
        }
        return bytes
    }
}
