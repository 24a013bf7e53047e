// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Turns what is no image into images: PostScript into pictures and drawings, videos into posters.
///
/// The files are programs or nearly that, written by strangers. An implementation runs the tools that read them shut away from this
/// machine: no network, no files but the one, bounded in time, memory, processes and output. It decides nothing: who may see what,
/// what is kept under which name and when it is done is said elsewhere.
public protocol MediaConverter: Sendable {
    /// Changes whenever the same file may give other bytes: part of what a variant is called.
    var revision: String { get }

    /// What can be done on this machine, as it was found at the start.
    var abilities: Set<ConversionAbility> { get }

    /// Lends a place for files, which is empty at first and is gone with everything in it when `body` has ended, in whatever way.
    /// - Parameter order: whose work it is, which decides when its tools run.
    /// - Throws: what `body` throws; `ConversionFailure` with `.sandboxUnavailable` when the place can't be made.
    func withWorkspace<Value: Sendable>(
        for order: ConversionOrder, _ body: (any ConversionWorkspace) async throws -> Value
    ) async throws -> Value
}

/// The work on one uploaded file. It stays in the closure that it was lent to.
///
/// Every call that runs a tool waits for one of the few places there are, takes at most the configured time after that, and stops its
/// tool at once when the task is cancelled. Where too many wait, or for too long, it throws `ConversionFailure` with `.busy`; what
/// nobody waits for is never turned away.
///
/// What throws `ConversionFailure` says so; besides that, every call throws `CancellationError`, and `StorageError` with `.internal`
/// when the workspace itself can't be written or read.
public protocol ConversionWorkspace: Sendable {
    // MARK: Files

    /// Writes a body into the workspace.
    /// - Parameter limit: in bytes.
    /// - Throws: `StorageError` with `.tooLarge` past the limit; what the stream throws.
    func receive(_ body: ByteStream, limit: Int64) async throws -> WorkFile

    /// Reads a file, while the workspace lives. The stream has a length.
    func contents(of file: WorkFile) async throws -> ByteStream

    /// The first bytes of a file: at most `count`, fewer where the file is shorter.
    func head(of file: WorkFile, count: Int) async throws -> ByteBuffer

    /// Removes a file that is no longer needed, so that long work needs no more room than a part of it.
    func discard(_ file: WorkFile) async throws

    // MARK: Videos

    /// What a video is, by its headers.
    /// - Throws: `ConversionFailure` with `.unreadable` for what is no MP4, WebM or QuickTime file, or has no picture in it.
    func facts(ofVideo file: WorkFile) async throws -> VideoFacts

    /// One frame as a JPEG as large as the video is shown: the one at `VideoFacts.posterTime`, or the first where there is none.
    /// - Throws: `ConversionFailure`.
    func poster(ofVideo file: WorkFile, _ facts: VideoFacts) async throws -> WorkFile

    // MARK: Images

    /// The same image without what it says besides its pixels, colours and orientation. Nothing is encoded anew.
    /// - Throws: `ConversionFailure` with `.unreadable` for a broken image.
    func stripped(_ image: WorkFile, _ kind: MediaKind) async throws -> WorkFile

    // MARK: PostScript

    /// How many pages a document has. It is run for that, once in a workspace.
    /// - Throws: `ConversionFailure` with `.unreadable` for what is no PostScript or fails, `.tooManyPages`, `.notConfigured`.
    func pageCount(ofEPS file: WorkFile) async throws -> Int

    /// One page as a PNG with transparency, at 300 dots an inch; at fewer where the page would have more pixels than allowed.
    /// - Parameters:
    ///   - number: from 1.
    ///   - bytes: how large the PNG may be: a larger one is drawn again, coarser.
    /// - Throws: `ConversionFailure`; with `.noSuchPage` past the last one, `.outputTooLarge` where nothing of the page would be left.
    func page(_ number: Int, ofEPS file: WorkFile, atMost bytes: Int64) async throws -> DocumentPage

    /// The first page as a PNG at least so wide and high, in pixels, that an image of this size can be made of it; smaller where it
    /// would have more pixels than allowed. Without either it is as `page`.
    /// - Throws: `ConversionFailure`.
    func raster(ofEPS file: WorkFile, width: Int?, height: Int?) async throws -> DocumentPage

    /// Where on a page the designs are that have empty space between them, in the order of reading. One that covers what is there
    /// when nothing divides it; none on an empty page.
    /// - Throws: `ConversionFailure`.
    func designs(on page: DocumentPage) async throws -> [DesignArea]

    /// A part of a page, as a PNG.
    /// - Throws: `ConversionFailure`.
    func cutout(_ area: DesignArea, of page: DocumentPage) async throws -> WorkFile

    /// The first page as SVG, sanitised.
    /// - Parameter area: the part of it, as `designs` gave it. Nil: all.
    /// - Throws: `ConversionFailure`.
    func drawing(ofEPS file: WorkFile, area: DesignArea?) async throws -> WorkFile
}

extension ConversionWorkspace {
    /// As `page(_:ofEPS:atMost:)`, of any size.
    public func page(_ number: Int, ofEPS file: WorkFile) async throws -> DocumentPage {
        try await page(number, ofEPS: file, atMost: .max)
    }
}

/// What a converter can do here. What it can't ends in `ConversionFailure` with `.notConfigured`.
public enum ConversionAbility: String, Hashable, Sendable, CaseIterable {
    /// Pages and designs of PostScript as pictures.
    case documents
    /// PostScript as SVG.
    case drawings
    /// Facts and posters of videos.
    case videos
    /// Images without metadata.
    case metadata
    /// SVG as pictures.
    case vectors
}

/// A file in a workspace.
public struct WorkFile: Hashable, Sendable {
    /// Unique in its workspace; no path.
    public var name: String
    /// In bytes.
    public var size: Int64
    /// Of what a conversion made. Nil for what was received.
    public var mediaType: String?

    public init(name: String, size: Int64, mediaType: String? = nil) {
        self.name = name
        self.size = size
        self.mediaType = mediaType
    }
}

/// A page of a document, drawn.
public struct DocumentPage: Hashable, Sendable {
    /// From 1.
    public var number: Int
    /// Of the document.
    public var total: Int
    public var file: WorkFile
    /// In pixels.
    public var width: Int
    public var height: Int
    /// In dots an inch: what was asked for, or less where the page was too large for that.
    public var resolution: Double

    public init(number: Int, total: Int, file: WorkFile, width: Int, height: Int, resolution: Double) {
        self.number = number
        self.total = total
        self.file = file
        self.width = width
        self.height = height
        self.resolution = resolution
    }
}

/// A part of a page, in pixels of the page it was found on.
public struct DesignArea: Hashable, Sendable {
    public var x: Int
    public var y: Int
    public var width: Int
    public var height: Int
    /// Of the page.
    public var resolution: Double

    public init(x: Int, y: Int, width: Int, height: Int, resolution: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.resolution = resolution
    }
}
