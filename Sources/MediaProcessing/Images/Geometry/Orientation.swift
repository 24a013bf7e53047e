// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// One of the eight ways to lay down a picture: mirrored left to right or not, and then turned clockwise.
///
/// What the EXIF orientation, a rotation and a flip ask for is always one of them, so that it costs one step, done on the small
/// image behind the resize.
struct Orientation: Hashable, Sendable {
    var isMirrored = false
    /// 0...3.
    var quarterTurns = 0

    static let upright = Orientation()

    init() {}

    /// - Parameter exif: 1...8; anything else is 1.
    init(exif: Int) {
        switch exif {
        case 2: isMirrored = true
        case 3: quarterTurns = 2
        case 4: (isMirrored, quarterTurns) = (true, 2)
        case 5: (isMirrored, quarterTurns) = (true, 3)
        case 6: quarterTurns = 1
        case 7: (isMirrored, quarterTurns) = (true, 1)
        case 8: quarterTurns = 3
        default: break
        }
    }

    func rotated(_ rotation: Transform.Rotation?) -> Orientation {
        guard let rotation else { return self }
        var turned = self
        turned.quarterTurns = (quarterTurns + rotation.rawValue / 90) % 4
        return turned
    }

    func flipped(_ flip: Transform.Flip?) -> Orientation {
        var flipped = self
        switch flip {
        case nil: break
        case .horizontal: (flipped.isMirrored, flipped.quarterTurns) = (!isMirrored, (4 - quarterTurns) % 4)
        case .vertical: (flipped.isMirrored, flipped.quarterTurns) = (!isMirrored, (6 - quarterTurns) % 4)
        case .both: flipped.quarterTurns = (quarterTurns + 2) % 4
        }
        return flipped
    }

    var swapsSides: Bool { quarterTurns % 2 == 1 }

    /// The size an image has once it is laid down like this. It is also the way back: sides swap or don't.
    func applied(to size: PixelSize) -> PixelSize { swapsSides ? size.turned : size }

    /// Where a part of the picture that lies like this is in the source.
    /// - Parameter size: of the source.
    func inSource(_ rectangle: PixelRectangle, of size: PixelSize) -> PixelRectangle {
        var (rectangle, shown) = (rectangle, applied(to: size))
        for _ in 0..<quarterTurns {
            rectangle = PixelRectangle(
                x: rectangle.y, y: shown.width - rectangle.x - rectangle.width, width: rectangle.height,
                height: rectangle.width)
            shown = shown.turned
        }
        if isMirrored { rectangle.x = size.width - rectangle.x - rectangle.width }
        return rectangle
    }
}
