// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct DrawingTests {
    @Test func aPageBecomesACleanDrawingOfItsSize() async throws {
        try await Converting.with(TestEPS.three) { workspace, file in
            let drawing = try await workspace.drawing(ofEPS: file, area: nil)
            #expect(drawing.mediaType == "image/svg+xml")
            let bytes = try await workspace.bytes(of: drawing)
            #expect(Int64(bytes.readableBytes) == drawing.size)
            // Sanitising it once more changes nothing.
            #expect(try SVGSanitizer().sanitize(bytes) == bytes)
            #expect(String(buffer: bytes).contains("viewBox=\"0 0 200 100\""))
            let picture = try Looked(try await Engine().render(bytes))
            #expect(near(picture.at(0.3, 0.15), [255, 0, 0, 255], within: 3))
            #expect(near(picture.at(0.75, 0.25), [0, 255, 0, 255], within: 3))
            #expect(picture.at(0.75, 0.75)[3] == 0)
        }
    }

    @Test func aDesignBecomesADrawingOfItsOwnWithoutItsNeighbours() async throws {
        try await Converting.with(TestEPS.three) { workspace, file in
            let page = try await workspace.page(1, ofEPS: file)
            let areas = try await workspace.designs(on: page)
            try #require(areas.count == 3)
            let drawing = try await workspace.drawing(ofEPS: file, area: areas[1])
            let text = String(buffer: try await workspace.bytes(of: drawing))
            let picture = try Looked(try await Engine().render(ByteBuffer(string: text)))
            #expect(near(picture.at(0.5, 0.5), [0, 255, 0, 255], within: 3))
            // 60 x 30 points and a little around.
            #expect(60...70 ~= picture.width && 30...40 ~= picture.height, "\(picture.width) x \(picture.height)")
            #expect(!text.contains("100%,0%,0%") && !text.contains("#f00"))
        }
    }

    @Test func theBoxOfADesignIsSaidInPointsFromBelow() {
        let page = PortableDocument.Page(width: 200, height: 100)
        let area = DesignArea(x: 50, y: 100, width: 100, height: 50, resolution: 144)
        #expect(PointBox(area, on: page).text == "25.000 25.000 75.000 50.000")
        let larger = DesignArea(x: 0, y: 0, width: 4000, height: 4000, resolution: 144)
        #expect(PointBox(larger, on: page).text == "0.000 0.000 200.000 100.000")
        let odd = DesignArea(x: 1, y: 1, width: 1, height: 1, resolution: 300)
        #expect(PointBox(odd, on: page).text == "0.240 99.520 0.480 99.760")
        #expect([-0.5, -0.0001, 1234.0006, 1_000_000].map(PointBox.text) == ["-0.500", "0.000", "1234.001", "1000000.000"])
    }

    @Test func whatADrawingOnlyPretendsToNeedIsTakenOut() async throws {
        // pdfmark makes links, of which a drawing has none.
        let linked = TestEPS.drawing(
            "[/Rect [0 0 100 50] /Action << /Subtype /URI /URI (javascript:alert(1)) >> /Subtype /Link /ANN pdfmark "
                + "1 0 0 setrgbcolor 0 0 50 50 rectfill")
        try await Converting.with(linked) { workspace, file in
            let text = String(buffer: try await workspace.bytes(of: try await workspace.drawing(ofEPS: file, area: nil)))
            #expect(!text.contains("javascript"))
        }
    }
}
