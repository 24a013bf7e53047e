// SPDX-License-Identifier: Apache-2.0

import MediaCore

extension Workspace {
    func designs(on page: DocumentPage) async throws -> [DesignArea] {
        let (path, limits) = (path(of: page.file), limits)
        let (search, factor) = try await render { images in
            let source = try Self.opened(path, page, limits, images)
            return try Self.marks(on: source)
        }
        let areas = try await render { _ in search.areas() }
        guard areas.count <= limits.pages else {
            throw ConversionFailure(.tooManyPages, "The page has more than the \(limits.pages) designs allowed")
        }
        // A little of what is around, never of a neighbour.
        let margin = search.gap / 3
        return areas.map { area in
            let left = max((area.columns.lowerBound - margin) * factor, 0)
            let top = max((area.rows.lowerBound - margin) * factor, 0)
            let right = min((area.columns.upperBound + margin) * factor, page.width)
            let bottom = min((area.rows.upperBound + margin) * factor, page.height)
            return DesignArea(x: left, y: top, width: right - left, height: bottom - top, resolution: page.resolution)
        }
    }

    func cutout(_ area: DesignArea, of page: DocumentPage) async throws -> WorkFile {
        let name = freshName()
        let (source, target) = (path(of: page.file), directory.path + "/" + name)
        let limits = limits
        let bounds = PixelSize(width: page.width, height: page.height)
        let part = PixelRectangle(x: area.x, y: area.y, width: area.width, height: area.height).clamped(to: bounds)
        try await render { images in
            let page = try Self.opened(source, page, limits, images)
            let crop = try VipsOperation(
                "extract_area",
                [
                    "input": .image(page), "left": .integer(part.x), "top": .integer(part.y), "width": .integer(part.width),
                    "height": .integer(part.height),
                ]
            ).image()
            _ = try VipsOperation("pngsave", ["in": .image(crop), "filename": .text(target)])
        }
        let size = try await threads.run { [directory] in try directory.openFile(name).size() }
        return WorkFile(name: name, size: size, mediaType: ImageFormat.png.mediaType)
    }

    /// Opens the picture of a page, which a tool made that may have had its own mind.
    private static func opened(
        _ path: String, _ page: DocumentPage, _ limits: ConversionLimits, _ images: WatchedImages
    ) throws -> VipsImage {
        let image = try VipsOperation(
            "pngload", ["filename": .text(path), "access": .choice("sequential"), "fail-on": .choice("error")]
        ).image()
        guard image.width == page.width, image.height == page.height, image.size.pixels <= limits.pixels else {
            throw ConversionFailure.unreadable("The picture of the page can't be read")
        }
        return images.add(image)
    }

    /// Where on a page something is, made so small that it is soon searched; and by which factor.
    private static func marks(on page: VipsImage) throws(VipsFailure) -> (DesignSearch, factor: Int) {
        let paper = try page.flattened(red: 255, green: 255, blue: 255).inSpace("b-w").asBytes().bands(0, count: 1)
        let dark = try VipsOperation(
            "relational_const", ["in": .image(paper), "relational": .choice("less"), "c": .numbers([whitest])]
        ).image()
        let factor = max((max(page.width, page.height) + longestSide - 1) / longestSide, 1)
        let small = try VipsOperation(
            "shrink",
            ["in": .image(dark), "hshrink": .number(Double(factor)), "vshrink": .number(Double(factor)), "ceil": true]
        ).image()
        let marks = try small.samples().map { $0 > 0 }
        return (DesignSearch(marks: marks, width: small.width, height: small.height), factor)
    }

    /// Darker is something. What a scanner or a JPEG makes of white paper is not.
    private static let whitest = 248.0
    /// Of what is searched, in cells. A gap between designs is dozens of them.
    private static let longestSide = 1200
}
