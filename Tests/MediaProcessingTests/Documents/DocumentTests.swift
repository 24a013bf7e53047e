// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

@Suite struct DocumentTests {
    /// Noise, which nothing makes smaller: 36 MB for each page, in memory and again put aside.
    private static func noise(pages: Int) -> ByteBuffer {
        ByteBuffer(
            string: """
                %!PS-Adobe-3.0
                %%BoundingBox: 0 0 720 720
                %%EndComments
                /L 10500 def /buf 65000 string def 0 1 64999 {buf exch rand 1000 idiv 256 mod put} for
                /row {buf rand 1000 idiv 65000 L sub mod L getinterval} def
                << /PageSize [720 720] >> setpagedevice
                \(pages) {save 720 720 scale 3500 3500 8 [3500 0 0 3500 0 0] {row} false 3 colorimage restore showpage} repeat

                """)
    }

    @Test func pagesThatNeedMoreRoomThanMemoryHasForItAreMade() async throws {
        try await Converting.with(Self.noise(pages: 3)) { workspace, file in
            let count = try await workspace.pageCount(ofEPS: file)
            #expect(count == 3)
        }
    }

    @Test func aFullDiskIsNoFaultInTheProgram() async throws {
        let failure = try await Converting.with(Self.noise(pages: 3), limits: ConversionLimits(output: 32 << 20)) {
            workspace, file in
            try await Converting.failure { try await workspace.pageCount(ofEPS: file) }
        }
        #expect(failure?.reason == .outputTooLarge)
    }

    @Test func aPageThatTakesTooMuchIsDrawnCoarser() async throws {
        try await Converting.with(Self.noise(pages: 1)) { workspace, file in
            let page = try await workspace.page(1, ofEPS: file, atMost: 4 << 20)
            #expect(page.file.size <= 4 << 20 && page.resolution < 300 && page.width > 500)
            let failure = try await Converting.failure { try await workspace.page(1, ofEPS: file, atMost: 100) }
            #expect(failure?.reason == .outputTooLarge)
        }
    }

    @Test func aPageIsDrawnAtThreeHundredDotsAnInchWithTransparency() async throws {
        try await Converting.with(TestEPS.three) { workspace, file in
            #expect(try await workspace.pageCount(ofEPS: file) == 1)
            let page = try await workspace.page(1, ofEPS: file)
            #expect((page.number, page.total, page.resolution) == (1, 1, 300))
            #expect(abs(page.width - 833) <= 1 && abs(page.height - 417) <= 1)
            let picture = try await workspace.picture(of: page.file)
            #expect((picture.width, picture.height) == (page.width, page.height))
            #expect(near(picture.at(0.3, 0.15), [255, 0, 0, 255]))
            #expect(near(picture.at(0.75, 0.25), [0, 255, 0, 255]))
            #expect(near(picture.at(0.2, 0.75), [0, 0, 255, 255]))
            #expect(picture.at(0.75, 0.75)[3] == 0)
        }
    }

    /// Makes the pages one by one; each is gone before the next.
    private func pages(
        ofEPS file: WorkFile, from first: Int = 1, in workspace: any ConversionWorkspace, _ handle: (DocumentPage) -> Void
    ) async throws {
        for number in first...(try await workspace.pageCount(ofEPS: file)) {
            let page = try await workspace.page(number, ofEPS: file)
            handle(page)
            try await workspace.discard(page.file)
        }
    }

    @Test func pagesComeOneByOneAndFromWhereOneStopped() async throws {
        try await Converting.with(TestEPS.pages(3)) { workspace, file in
            var seen: [[Int]] = []
            try await pages(ofEPS: file, in: workspace) { seen.append([$0.number, $0.total, $0.width, $0.height]) }
            #expect(seen == [[1, 3, 417, 208], [2, 3, 417, 208], [3, 3, 417, 208]])
            var rest: [Int] = []
            try await pages(ofEPS: file, from: 3, in: workspace) { rest.append($0.number) }
            #expect(rest == [3])
            #expect(try await Converting.failure { try await workspace.page(4, ofEPS: file) }?.reason == .noSuchPage)
        }
    }

    @Test func aPageThatIsTooLargeIsDrawnCoarser() async throws {
        try await Converting.with(TestEPS.three, limits: ConversionLimits(pixels: 20_000)) { workspace, file in
            let page = try await workspace.page(1, ofEPS: file)
            #expect(page.width * page.height <= 20_000 && page.width * page.height > 19_000)
            #expect(page.resolution < 300)
        }
    }

    @Test func moreThanTheAllowedPagesAreRefused() async throws {
        let failure = try await Converting.with(TestEPS.pages(5), limits: ConversionLimits(pages: 4)) { workspace, file in
            try await Converting.failure { try await workspace.pageCount(ofEPS: file) }
        }
        #expect(failure?.reason == .tooManyPages)
    }

    @Test(arguments: [(800, nil), (nil, 800), (1200, 100), (nil, nil), (20, nil)] as [(Int?, Int?)])
    func aRasterIsAsLargeAsItIsNeeded(_ width: Int?, _ height: Int?) async throws {
        try await Converting.with(TestEPS.three) { workspace, file in
            let page = try await workspace.raster(ofEPS: file, width: width, height: height)
            #expect(page.width >= width ?? 1 && page.height >= height ?? 1)
            let wanted = max(width ?? (height == nil ? 833 : 0), (height ?? 0) * 2)
            #expect(page.width <= wanted + 4)
        }
    }

    @Test func whatAProgramDrawsTheImagePipelineReads() async throws {
        try await Converting.with(TestEPS.three) { workspace, file in
            let page = try await workspace.raster(ofEPS: file, width: 400, height: nil)
            let image = try await Engine().render(try await workspace.bytes(of: page.file)) {
                $0.width = 100
                $0.format = .fixed(.webp)
            }
            #expect(try Looked(image).width == 100)
        }
    }

    @Test func aPageIsOnlyAsLargeAsItsBox() async throws {
        // Ink outside of the box, and a box that is not at the origin.
        let outside = TestEPS.drawing(width: 72, height: 72, "0.5 setgray -500 -500 2000 2000 rectfill")
        try await Converting.with(outside) { workspace, file in
            let page = try await workspace.page(1, ofEPS: file)
            #expect((page.width, page.height) == (300, 300))
            let picture = try await workspace.picture(of: page.file)
            #expect(near(picture.at(0.5, 0.5), [128, 128, 128, 255]))
        }
    }

    @Test func aPageWithABoxThatIsNotEncapsulatedIsCroppedToo() async throws {
        let body = "1 0 0 setrgbcolor 0 0 36 72 rectfill 0 0 1 setrgbcolor 36 0 36 72 rectfill"
        let page = TestEPS.drawing(width: 72, height: 72, header: "%!PS-Adobe-2.0", body)
        try await Converting.with(page) { workspace, file in
            let page = try await workspace.page(1, ofEPS: file)
            #expect((page.width, page.height) == (300, 300))
            let picture = try await workspace.picture(of: page.file)
            #expect(near(picture.at(0.25, 0.1), [255, 0, 0, 255]) && near(picture.at(0.75, 0.9), [0, 0, 255, 255]))
        }
    }

    @Test func aProgramWithoutShowpageIsDrawnNevertheless() async throws {
        let text = String(buffer: TestEPS.three).replacing("showpage", with: "")
        try await Converting.with(ByteBuffer(string: text)) { workspace, file in
            let count = try await workspace.pageCount(ofEPS: file)
            #expect(count == 1)
        }
    }

    @Test func whatIsNoProgramIsRefused() async throws {
        for text in ["", "hello", "%PDF-1.4\n1 0 obj", "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nthis fails"] {
            let failure = try await Converting.with(ByteBuffer(string: text)) { workspace, file in
                try await Converting.failure { try await workspace.page(1, ofEPS: file) }
            }
            #expect(failure?.reason == .unreadable, "\(text)")
            #expect(failure?.message.contains("/") == false)
        }
    }

    @Test func colourPicturesInsideStayAsTheyAre() async throws {
        // Four pixels in a row, enlarged: their colours would run into each other if they were compressed with losses.
        let picture = TestEPS.drawing(
            width: 72, height: 72,
            "72 72 scale 4 1 8 [4 0 0 1 0 0] {<FF000000FF000000FFFFFF00>} false 3 colorimage")
        try await Converting.with(picture) { workspace, file in
            let file = try await workspace.page(1, ofEPS: file).file
            let page = try await workspace.picture(of: file)
            let expected: [[UInt8]] = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [255, 255, 0, 255]]
            for (index, colour) in expected.enumerated() {
                #expect(page.at((Double(index) + 0.5) / 4, 0.5) == colour)
            }
        }
    }
}
