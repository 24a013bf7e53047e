// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// What a PostScript program became when it was run: pages of known size that can be drawn one by one, without running it again.
struct PortableDocument: Sendable {
    /// In points, 72 an inch.
    struct Page: Hashable, Sendable {
        var width: Double
        var height: Double

        /// At which resolution it is drawn, in dots an inch: as asked for, or at what its pixels may be.
        /// - Throws: `.tooManyPixels` when there would be nothing left of it.
        func resolution(_ wanted: Double, _ limits: ConversionLimits) throws(ConversionFailure) -> Double {
            // A pixel on each side for what the renderer rounds up.
            let byPixels = (Double(limits.pixels) * 72 * 72 / (width * height)).squareRoot() * 0.999
            let bySide = Double(limits.side - 2) * 72 / max(width, height)
            let resolution = min(wanted, byPixels, bySide)
            guard resolution >= Self.leastResolution else {
                throw ConversionFailure(.tooManyPixels, "The page is too large to be drawn")
            }
            return (resolution * 100).rounded(.down) / 100
        }

        private static let leastResolution = 1.0
    }

    var file: WorkFile
    var pages: [Page]

    /// Reads what pdfinfo prints of a document: `Pages: 2`, `Page    1 size: 612 x 792 pts (letter)`.
    /// - Throws: `.unreadable` when it is no such thing.
    static func pages(_ text: String) throws(ConversionFailure) -> [Page] {
        var pages: [Page] = []
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("Page ") {
            let words = line.split(separator: " ")
            guard words.count >= 7, words[2] == "size:", words[4] == "x" else { continue }
            guard Int(words[1]) == pages.count + 1, let width = Double(words[3]), let height = Double(words[5]),
                width.isFinite, height.isFinite, width > 0, height > 0
            else { throw .unreadable("The document has a page without a size") }
            pages.append(Page(width: width, height: height))
        }
        return pages
    }

    /// How many pages pdfinfo says there are.
    static func count(_ text: String) -> Int? {
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("Pages:") {
            return Int(line.dropFirst(6).filter { $0 != " " })
        }
        return nil
    }
}
