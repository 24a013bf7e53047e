// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import MediaProcessing

@Suite struct GeometryTests {
    @Test(arguments: [
        (Gravity.Compass.northWest, 0, 0), (.north, 50, 0), (.northEast, 100, 0), (.west, 0, 25), (.centre, 50, 25),
        (.east, 100, 25), (.southWest, 0, 50), (.south, 50, 50), (.southEast, 100, 50),
    ]) func everyPointOfTheCompassHasItsPlace(_ point: Gravity.Compass, _ x: Int, _ y: Int) {
        let origin = placement.origin(.compass(point))
        #expect(origin == (x, y))
    }

    @Test func offsetsLeadAwayFromTheSideAndStayInside() {
        #expect(placement.origin(.compass(.southEast, x: .pixels(10), y: .pixels(5))) == (90, 45))
        #expect(placement.origin(.compass(.northWest, x: .fraction(FixedPoint(thousandths: 100)), y: .pixels(0))) == (20, 0))
        #expect(placement.origin(.compass(.centre, x: .pixels(-7), y: .pixels(3))) == (43, 28))
        #expect(placement.origin(.compass(.centre, x: .pixels(.max), y: .pixels(.min))) == (100, 0))
    }

    @Test func aFocalPointGetsIntoTheMiddleWhereTheImageReaches() {
        #expect(placement.origin(.focalPoint(x: FixedPoint(thousandths: 500), y: FixedPoint(thousandths: 500))) == (50, 25))
        #expect(placement.origin(.focalPoint(x: FixedPoint(0), y: FixedPoint(1))) == (0, 50))
        #expect(placement.origin(.focalPoint(x: FixedPoint(thousandths: 300), y: FixedPoint(thousandths: 400))) == (10, 15))
    }

    @Test func aCropIsNeverEmptyAndNeverOutside() {
        let size = PixelSize(width: 100, height: 80)
        func rectangle(_ x: ImageLength, _ y: ImageLength, _ width: ImageLength, _ height: ImageLength) -> PixelRectangle {
            CropArea(x: x, y: y, width: width, height: height).rectangle(in: size)
        }
        #expect(
            rectangle(.pixels(10), .pixels(20), .pixels(30), .pixels(40)) == PixelRectangle(x: 10, y: 20, width: 30, height: 40))
        let half = ImageLength.fraction(FixedPoint(thousandths: 500))
        #expect(rectangle(half, half, half, half) == PixelRectangle(x: 50, y: 40, width: 50, height: 40))
        #expect(
            rectangle(.pixels(500), .pixels(500), .pixels(9), .pixels(9)) == PixelRectangle(x: 99, y: 79, width: 1, height: 1))
        #expect(rectangle(.pixels(0), .pixels(0), .pixels(0), .pixels(0)) == PixelRectangle(x: 0, y: 0, width: 1, height: 1))
        #expect(rectangle(.pixels(.min), .pixels(.max), .pixels(.max), .pixels(.min)).size.pixels == 1)
        #expect(rectangle(.pixels(-5), .pixels(0), .pixels(.max), .pixels(.max)) == PixelRectangle(all: size))
    }

    @Test func sizesPastAllNumbersAreBounded() {
        #expect(PixelSize(width: .max, height: 2).pixels == .max)
        #expect(PixelSize(width: .max, height: .max).pixels == .max)
        for factor in [1e10, 1e300, .infinity] {
            let size = PixelSize(width: 9_000_000, height: 1).scaled(by: factor)
            #expect(size.width == PixelSize.longestSide && size.height <= PixelSize.longestSide)
        }
        #expect(PixelSize(width: 3, height: 3).scaled(by: 0) == PixelSize(width: 1, height: 1))
    }

    @Test func aTurnAndItsOppositeAreNone() {
        for exif in 1...8 {
            let start = Orientation(exif: exif)
            #expect(start.rotated(.quarter).rotated(.threeQuarters) == start)
            #expect(start.rotated(.half).rotated(.half) == start)
            for flip in Transform.Flip.allCases { #expect(start.flipped(flip).flipped(flip) == start) }
            #expect(start.flipped(.horizontal).flipped(.vertical) == start.flipped(.both))
        }
        #expect(Set((1...8).map { Orientation(exif: $0) }).count == 8)
        #expect(Orientation(exif: 0) == .upright && Orientation(exif: 99) == .upright)
    }

    private var placement: Placement {
        Placement(outer: PixelSize(width: 200, height: 100), inner: PixelSize(width: 100, height: 50))
    }
}
