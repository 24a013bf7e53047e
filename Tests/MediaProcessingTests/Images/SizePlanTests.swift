// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import MediaProcessing

@Suite struct SizePlanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var fit: Transform.Fit?
        var box: (Int?, Int?)
        var source: (Int, Int)
        var enlarges: Bool?
        var scaled: (Int, Int)
        var canvas: (Int, Int)

        var testDescription: String { "\(source) \(fit.map(\.rawValue) ?? "nil") \(box) \(enlarges == true ? "larger" : "")" }
    }

    static let large = ResultLimits(side: 8192, pixels: 50_000_000)

    static let cases: [Case] = [
        // Nothing, and one side: every fit keeps the ratio.
        Case(fit: nil, box: (nil, nil), source: (640, 480), scaled: (640, 480), canvas: (640, 480)),
        Case(fit: nil, box: (320, nil), source: (640, 480), scaled: (320, 240), canvas: (320, 240)),
        Case(fit: .fill, box: (nil, 100), source: (640, 480), scaled: (133, 100), canvas: (133, 100)),
        Case(fit: .pad, box: (101, nil), source: (640, 480), scaled: (101, 76), canvas: (101, 76)),
        Case(fit: nil, box: (1280, nil), source: (640, 480), scaled: (640, 480), canvas: (640, 480)),
        Case(fit: nil, box: (1280, nil), source: (640, 480), enlarges: true, scaled: (1280, 960), canvas: (1280, 960)),
        Case(fit: .scaleDown, box: (1280, nil), source: (640, 480), enlarges: true, scaled: (640, 480), canvas: (640, 480)),
        Case(fit: nil, box: (1, nil), source: (10, 3000), scaled: (1, 300), canvas: (1, 300)),
        Case(fit: nil, box: (10, nil), source: (3000, 10), scaled: (10, 1), canvas: (10, 1)),
        // Both
        Case(fit: nil, box: (200, 200), source: (400, 300), scaled: (267, 200), canvas: (200, 200)),
        Case(fit: .cover, box: (200, 100), source: (400, 300), scaled: (200, 150), canvas: (200, 100)),
        Case(fit: .cover, box: (2000, 2000), source: (1000, 500), scaled: (1000, 500), canvas: (500, 500)),
        Case(fit: .cover, box: (200, 200), source: (1000, 100), scaled: (1000, 100), canvas: (100, 100)),
        Case(fit: .cover, box: (2000, 2000), source: (1000, 500), enlarges: true, scaled: (4000, 2000), canvas: (2000, 2000)),
        Case(fit: .contain, box: (200, 200), source: (400, 300), scaled: (200, 150), canvas: (200, 150)),
        Case(fit: .contain, box: (800, 800), source: (400, 300), scaled: (400, 300), canvas: (400, 300)),
        Case(fit: .contain, box: (800, 800), source: (400, 300), enlarges: true, scaled: (800, 600), canvas: (800, 600)),
        Case(fit: .scaleDown, box: (800, 800), source: (400, 300), enlarges: true, scaled: (400, 300), canvas: (400, 300)),
        Case(fit: .scaleDown, box: (100, 300), source: (400, 300), scaled: (100, 75), canvas: (100, 75)),
        Case(fit: .fill, box: (200, 200), source: (400, 300), scaled: (200, 200), canvas: (200, 200)),
        Case(fit: .fill, box: (200, 50), source: (100, 100), scaled: (100, 25), canvas: (100, 25)),
        Case(fit: .fill, box: (200, 50), source: (100, 100), enlarges: true, scaled: (200, 50), canvas: (200, 50)),
        Case(fit: .pad, box: (200, 200), source: (400, 300), scaled: (200, 150), canvas: (200, 200)),
        Case(fit: .pad, box: (800, 800), source: (400, 300), scaled: (400, 300), canvas: (800, 800)),
        Case(fit: .pad, box: (800, 800), source: (400, 300), enlarges: true, scaled: (800, 600), canvas: (800, 800)),
        Case(fit: .outside, box: (200, 200), source: (400, 300), scaled: (267, 200), canvas: (267, 200)),
        Case(fit: .outside, box: (800, 800), source: (400, 300), scaled: (400, 300), canvas: (400, 300)),
        Case(fit: .outside, box: (800, 800), source: (400, 300), enlarges: true, scaled: (1067, 800), canvas: (1067, 800)),
    ]

    @Test(arguments: cases) func everyFitGivesItsSize(_ example: Case) {
        let plan = plan(example)
        #expect(plan.scaled == PixelSize(width: example.scaled.0, height: example.scaled.1))
        #expect(plan.canvas == PixelSize(width: example.canvas.0, height: example.canvas.1))
    }

    @Test func aDrawingMayGrowAndScaleDownKeepsItSmall() {
        var transform = Transform()
        transform.width = 800
        let small = PixelSize(width: 24, height: 12)
        #expect(SizePlan(transform, of: small, isVector: true, limits: Self.large).canvas == PixelSize(width: 800, height: 400))
        transform.fit = .scaleDown
        #expect(SizePlan(transform, of: small, isVector: true, limits: Self.large).canvas == small)
    }

    @Test func aResultPastTheLimitsIsSmallerAndKeepsItsRatio() {
        let limits = ResultLimits(side: 1000, pixels: 500_000)
        let wide = SizePlan(Transform(), of: PixelSize(width: 4000, height: 400), limits: limits)
        #expect(wide.canvas == PixelSize(width: 1000, height: 100))
        let large = SizePlan(Transform(), of: PixelSize(width: 1000, height: 1000), limits: limits)
        #expect(large.canvas == PixelSize(width: 707, height: 707))
    }

    @Test func noSizeIsEverEmptyOrPastTheLimits() {
        let limits = ResultLimits(side: 500, pixels: 100_000)
        let sides: [Int?] = [nil, 1, 2, 7, 499, 500, 8192]
        for fit in Transform.Fit.allCases {
            for (width, height) in sides.flatMap({ width in sides.map { (width, $0) } }) {
                for source in [(1, 1), (1, 9000), (9000, 1), (3, 2), (4000, 3000)] {
                    var transform = Transform()
                    (transform.width, transform.height, transform.fit, transform.enlarges) = (width, height, fit, true)
                    let plan = SizePlan(transform, of: PixelSize(width: source.0, height: source.1), limits: limits)
                    #expect(plan.canvas.width >= 1 && plan.canvas.height >= 1)
                    #expect(max(plan.canvas.width, plan.canvas.height) <= 500)
                    // Rounding may add half a line.
                    #expect(plan.canvas.pixels <= 101_000 && plan.scaled.pixels <= 120_000)
                }
            }
        }
    }

    private func plan(_ example: Case) -> SizePlan {
        var transform = Transform()
        (transform.width, transform.height) = example.box
        (transform.fit, transform.enlarges) = (example.fit, example.enlarges)
        return SizePlan(transform, of: PixelSize(width: example.source.0, height: example.source.1), limits: Self.large)
    }
}
