// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct DesignTests {
    /// A page of cells, `#` where something is.
    private func search(_ lines: [String]) -> DesignSearch {
        DesignSearch(marks: lines.flatMap { $0.map { $0 == "#" } }, width: lines[0].count, height: lines.count)
    }

    /// Boxes on an empty page.
    private func page(_ width: Int, _ height: Int, _ boxes: [DesignSearch.Area]) -> DesignSearch {
        var marks = [Bool](repeating: false, count: width * height)
        for box in boxes { for row in box.rows { for column in box.columns { marks[row * width + column] = true } } }
        return DesignSearch(marks: marks, width: width, height: height)
    }

    private func box(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> DesignSearch.Area {
        .init(columns: x..<x + width, rows: y..<y + height)
    }

    @Test func anEmptyPageHasNoDesign() { #expect(page(100, 80, []).areas() == []) }

    @Test func whatNothingDividesIsOneDesignWithoutItsMargin() {
        #expect(page(200, 100, [box(20, 30, 50, 40)]).areas() == [box(20, 30, 50, 40)])
        #expect(page(50, 50, [box(0, 0, 50, 50)]).areas() == [box(0, 0, 50, 50)])
    }

    @Test func aGridIsCutInTheOrderOfReading() {
        var boxes: [DesignSearch.Area] = []
        for row in 0..<3 { for column in 0..<4 { boxes.append(box(10 + column * 50, 10 + row * 60, 40, 45)) } }
        #expect(page(220, 200, boxes).areas() == boxes)
    }

    @Test func unevenColumnsAreCutAgainWhereTheyHaveRowsOfTheirOwn() {
        // One high design to the left, two low ones to the right, of which no row is empty all the way.
        let boxes = [box(10, 10, 60, 180), box(100, 10, 60, 70), box(100, 110, 60, 80)]
        #expect(page(200, 200, boxes).areas() == boxes)
    }

    @Test func lettersAndLinesStayTogether() {
        // Strips that are narrower than the distance of designs: 3 % of 200 are 6.
        let lines = (0..<5).map { box(20, 20 + $0 * 12, 100, 8) }
        #expect(page(200, 200, lines).areas() == [box(20, 20, 100, 56)])
        let letters = (0..<6).map { box(20 + $0 * 14, 40, 10, 20) }
        #expect(page(200, 200, letters).areas() == [box(20, 40, 80, 20)])
    }

    @Test func printersMarksAreNoDesigns() {
        let marks = [box(0, 0, 2, 2), box(198, 0, 2, 2), box(0, 198, 2, 2), box(198, 198, 2, 2)]
        let design = box(60, 60, 80, 80)
        #expect(page(200, 200, marks + [design]).areas() == [design])
        // Where there is nothing else they are what there is.
        #expect(page(200, 200, [marks[0], marks[3]]).areas() == [box(0, 0, 200, 200)])
    }

    @Test func everyMarkOfARandomPageIsInExactlyOneDesignOrTooSmall() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            let boxes = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                box(
                    Int.random(in: 0..<150, using: &generator), Int.random(in: 0..<90, using: &generator),
                    Int.random(in: 1...40, using: &generator), Int.random(in: 1...30, using: &generator))
            }
            let search = page(190, 120, boxes)
            let areas = search.areas()
            #expect(!areas.isEmpty)
            for (index, area) in areas.enumerated() {
                for other in areas[(index + 1)...] {
                    #expect(!area.columns.overlaps(other.columns) || !area.rows.overlaps(other.rows))
                }
            }
            for box in boxes where box.columns.count >= search.gap || box.rows.count >= search.gap {
                #expect(areas.contains { $0.columns.contains(box.columns.lowerBound) && $0.rows.contains(box.rows.lowerBound) })
            }
        }
    }

    @Test func designsOfAPageAreFoundAndCutOut() async throws {
        try await Converting.with(TestEPS.three) { workspace, file in
            let page = try await workspace.page(1, ofEPS: file)
            let areas = try await workspace.designs(on: page)
            try #require(areas.count == 3)
            let colours: [[UInt8]] = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]]
            for (area, colour) in zip(areas, colours) {
                // 60 x 30 points are 250 x 125 pixels.
                #expect(250...280 ~= area.width && 125...155 ~= area.height)
                let part = try await workspace.cutout(area, of: page)
                let picture = try await workspace.picture(of: part)
                #expect((picture.width, picture.height) == (area.width, area.height))
                #expect(near(picture.at(0.9, 0.85), colour))
                #expect(picture.at(0, 0)[3] == 0)
            }
        }
    }

    @Test func aWhitePageHasNoDesignAndAColouredOneHasOne() async throws {
        for (ink, count) in [("1 setgray 0 0 200 100 rectfill", 0), ("0.8 1 0.8 setrgbcolor 0 0 200 100 rectfill", 1)] {
            try await Converting.with(TestEPS.drawing(ink)) { workspace, file in
                let page = try await workspace.page(1, ofEPS: file)
                #expect(try await workspace.designs(on: page).count == count)
            }
        }
    }

    @Test func aHairlineOnALargeSheetIsFound() async throws {
        let sheet = TestEPS.drawing(width: 1400, height: 900, "0 setgray 0.2 setlinewidth 100 100 moveto 700 100 lineto stroke")
        try await Converting.with(sheet) { workspace, file in
            let page = try await workspace.page(1, ofEPS: file)
            #expect(try await workspace.designs(on: page).count == 1)
        }
    }
}
