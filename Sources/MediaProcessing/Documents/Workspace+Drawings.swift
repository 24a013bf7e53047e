// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

extension Workspace {
    func drawing(ofEPS file: WorkFile, area: DesignArea?) async throws -> WorkFile {
        let document = try await portable(file)
        guard let page = document.pages.first else { throw ConversionFailure.unreadable("The file draws no page") }
        let source = try await area.asyncMap { try await cropped(document.file, to: $0, of: page) } ?? document.file
        let (result, made) = try await run(.pdftocairo, on: source, making: "drawing.svg") { paths in
            // Without the first two it would fit the page to a paper, which rounds its size.
            ["-noshrink", "-nocenter", "-svg", "-f", "1", "-l", "1", paths.input, "\(paths.output)/drawing.svg"]
        }
        if area != nil { try await discard(source) }
        guard result.status == 0, let made else {
            throw ConversionFailure.unreadable("The page can't be made a drawing", detail: Self.said(result))
        }
        let clean = try await sanitized(made)
        try await discard(made)
        return clean
    }

    /// A document of the first page that shows only a part of it.
    private func cropped(_ file: WorkFile, to area: DesignArea, of page: PortableDocument.Page) async throws -> WorkFile {
        let box = PointBox(area, on: page)
        let (result, made) = try await run(.ghostscript, on: file, making: "part.pdf", "application/pdf") { paths in
            Self.ghostscript("pdfwrite", page: 1, into: "\(paths.output)/part.pdf") + Self.faithful
                + ["-c", "[/CropBox [\(box.text)] /PAGES pdfmark", "-f", paths.input]
        }
        guard result.status == 0, let made else {
            throw ConversionFailure.unreadable("A part of the page can't be made a drawing", detail: Self.said(result))
        }
        return made
    }

    /// Nothing that comes of a stranger's file is a drawing before this.
    private func sanitized(_ file: WorkFile) async throws -> WorkFile {
        let limits = SVGSanitizer.Limits()
        guard file.size <= Int64(limits.bytes) else {
            throw ConversionFailure(.outputTooLarge, "The drawing becomes larger than allowed")
        }
        let name = freshName()
        let source = try await head(of: file, count: Int(file.size))
        let clean: ByteBuffer
        do {
            clean = try await render { _ in try SVGSanitizer(limits: limits).sanitize(source) }
        } catch let error as StorageError where error.code == .imageTooLarge {
            throw ConversionFailure(.outputTooLarge, error.message, detail: "\(error)")
        } catch let error as StorageError where error.code == .unreadableImage {
            throw ConversionFailure(.unreadable, error.message, detail: "\(error)")
        }
        try await threads.run { [directory] in try directory.createFile(name).append(clean) }
        return WorkFile(name: name, size: Int64(clean.readableBytes), mediaType: ImageFormat.svg.mediaType)
    }
}

/// A part of a page as PDF says it: in points, from the lower left.
struct PointBox: Hashable {
    var left: Double
    var bottom: Double
    var right: Double
    var top: Double

    init(_ area: DesignArea, on page: PortableDocument.Page) {
        let points = 72 / area.resolution
        left = max(Double(area.x) * points, 0)
        right = min(Double(area.x + area.width) * points, page.width)
        top = min(page.height - Double(area.y) * points, page.height)
        bottom = max(page.height - Double(area.y + area.height) * points, 0)
    }

    var text: String { [left, bottom, right, top].map(Self.text).joined(separator: " ") }

    /// With three digits: never with an exponent, which not everybody reads.
    static func text(_ points: Double) -> String {
        let thousandths = Int((points.magnitude * 1000).rounded())
        let rest = "\(thousandths % 1000)"
        let sign = points < 0 && thousandths > 0 ? "-" : ""
        return "\(sign)\(thousandths / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }
}

extension Optional {
    fileprivate func asyncMap<Value>(_ change: (Wrapped) async throws -> Value) async rethrows -> Value? {
        switch self {
        case .none: nil
        case .some(let wrapped): try await change(wrapped)
        }
    }
}
