// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// PostScript is run once, into a PDF; what is made of the pages is made of that.
extension Workspace {
    func pageCount(ofEPS file: WorkFile) async throws -> Int { try await portable(file).pages.count }

    func page(_ number: Int, ofEPS file: WorkFile, atMost bytes: Int64) async throws -> DocumentPage {
        let document = try await portable(file)
        var resolution = Self.resolution
        while resolution >= Self.coarsest {
            let page = try await drawn(number, of: document, at: resolution)
            guard page.file.size > bytes else { return page }
            try await discard(page.file)
            // Noise, which is what does not fit, grows with the area. What is no noise gets smaller more slowly.
            let wanted = (Double(bytes) / Double(page.file.size)).squareRoot() * 0.95
            resolution = page.resolution * min(wanted, 0.8)
        }
        throw ConversionFailure(.outputTooLarge, "The page becomes larger than allowed")
    }

    func raster(ofEPS file: WorkFile, width: Int?, height: Int?) async throws -> DocumentPage {
        let document = try await portable(file)
        guard let page = document.pages.first else { throw Self.empty }
        let wanted = [
            width.map { Double($0 + 1) * 72 / page.width }, height.map { Double($0 + 1) * 72 / page.height },
        ].compactMap(\.self).max()
        return try await drawn(1, of: document, at: max(wanted ?? Self.resolution, 1))
    }

    /// Of pages that are kept, in dots an inch.
    private static let resolution = 300.0
    /// Coarser than this a page is no picture of itself, in dots an inch.
    private static let coarsest = 10.0
    private static let empty = ConversionFailure.unreadable("The file draws no page")

    /// The document that a file draws, by running it, or from before.
    func portable(_ file: WorkFile) async throws -> PortableDocument {
        if let document = document(of: file) { return document }
        let header = try PostScriptHeader(try await head(of: file, count: PostScriptHeader.length))
        let most = limits.pages
        let (result, made) = try await run(.ghostscript, on: file, making: "document.pdf", "application/pdf") { paths in
            Self.ghostscript("pdfwrite", page: nil, into: "\(paths.output)/document.pdf")
                + Self.faithful + Self.cropping(to: header) + ["-dLastPage=\(most + 1)", "-f", paths.input]
        }
        guard result.status == 0, let made, made.size > 0 else {
            throw ConversionFailure.unreadable("The PostScript in the file fails", detail: Self.said(result))
        }
        let document = try await described(made)
        keep(document, of: file)
        return document
    }

    /// The page is as large as the box that the header speaks of, unless the program asks for another one.
    private static func cropping(to header: PostScriptHeader) -> [String] {
        // Ghostscript itself does so for what calls itself encapsulated.
        guard !header.isEncapsulated else { return ["-dEPSCrop"] }
        let size = [header.width, header.height].map(PointBox.text).joined(separator: " ")
        let offset = [-header.left, -header.bottom].map(PointBox.text).joined(separator: " ")
        return ["-c", "<< /PageSize [\(size)] /PageOffset [\(offset)] >> setpagedevice"]
    }

    private func described(_ file: WorkFile) async throws -> PortableDocument {
        let most = limits.pages
        let (result, _) = try await run(.pdfinfo, on: file) { ["-f", "1", "-l", "\(most)", $0.input] }
        let text = String(decoding: result.output, as: UTF8.self)
        guard result.status == 0, let count = PortableDocument.count(text) else {
            throw ConversionFailure.unreadable("The file draws no page", detail: Self.said(result))
        }
        guard count <= most else {
            throw ConversionFailure(.tooManyPages, "The file has more than the \(most) pages allowed")
        }
        let pages = try PortableDocument.pages(text)
        guard pages.count == count, count > 0 else { throw Self.empty }
        return PortableDocument(file: file, pages: pages)
    }

    private func drawn(_ number: Int, of document: PortableDocument, at wanted: Double) async throws -> DocumentPage {
        guard document.pages.indices.contains(number - 1) else {
            throw ConversionFailure(.noSuchPage, "The file has \(document.pages.count) pages")
        }
        let resolution = try document.pages[number - 1].resolution(wanted, limits)
        let (result, made) = try await run(.ghostscript, on: document.file, making: "page.png", "image/png") { paths in
            Self.ghostscript("pngalpha", page: number, into: "\(paths.output)/page.png")
                + ["-r\(resolution)", "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4", "-f", paths.input]
        }
        guard result.status == 0, let made else {
            throw ConversionFailure.unreadable("The page can't be drawn", detail: Self.said(result))
        }
        guard let (width, height) = PNGHeader.size(try await head(of: made, count: PNGHeader.length)) else {
            throw ConversionFailure.unreadable("The page can't be drawn", detail: "the result is no PNG")
        }
        guard width <= limits.side, height <= limits.side, width * height <= limits.pixels else {
            throw ConversionFailure(.tooManyPixels, "The page is too large to be drawn")
        }
        return DocumentPage(
            number: number, total: document.pages.count, file: made, width: width, height: height, resolution: resolution)
    }

    /// - Parameter page: the only one that is made. Nil: all.
    static func ghostscript(_ device: String, page: Int?, into file: String) -> [String] {
        ["-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=\(device)", "-sOutputFile=\(file)"]
            + (page.map { ["-dFirstPage=\($0)", "-dLastPage=\($0)"] } ?? [])
    }

    /// Keeps pictures as they are: by itself the device would compress them again, with losses.
    static let faithful = [
        "-dCompatibilityLevel=1.7", "-dAutoRotatePages=/None", "-dColorConversionStrategy=/LeaveColorUnchanged",
        "-dAutoFilterColorImages=false", "-dColorImageFilter=/FlateEncode", "-dDownsampleColorImages=false",
        "-dAutoFilterGrayImages=false", "-dGrayImageFilter=/FlateEncode", "-dDownsampleGrayImages=false",
        "-dDownsampleMonoImages=false", "-dPassThroughJPEGImages=true",
    ]

    /// For the log. Ghostscript complains where others print.
    static func said(_ result: ToolResult) -> String {
        let printed = ToolEnd.printable(Array(result.output.prefix(1000)))
        return "status \(result.status): \(result.complaints) \(printed)"
    }
}

/// The first chunk of a PNG.
enum PNGHeader {
    static let length = 24

    /// In pixels. Nil for what is no PNG. PNG specification, §11.2.1.
    static func size(_ head: ByteBuffer) -> (width: Int, height: Int)? {
        let start = head.readerIndex
        guard MediaKind(head.readableBytesView) == .png, let width = head.getInteger(at: start + 16, as: UInt32.self),
            let height = head.getInteger(at: start + 20, as: UInt32.self), width > 0, height > 0
        else { return nil }
        return (Int(width), Int(height))
    }
}
