// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore

/// Finds out what a transform means for one source, and does it: decodes, runs the steps on every frame, puts frames together.
///
/// Rotation, trim and crop are done before the resize as the transform's order says, but on numbers: they give the part of the source
/// that counts, so that a codec may decode a small version of it and pixels are turned once there are few of them.
struct Pipeline {
    var recipe: ImageRecipe
    var output: OutputChoice
    var limits: ImageLimits
    var cleanSVG: VipsImageProcessor.SVGCleaning?
    var drawings: Drawings

    private var transform: Transform { recipe.transform }

    func run(_ source: ImageSource, in stage: Stage) throws -> VipsImage {
        let orientation = Orientation(exif: source.orientation).rotated(transform.rotation).flipped(transform.flip)
        let part = try part(of: source, orientation, in: stage)
        let frames = source.frames(moving: transform.animated != false && output.keepsAnimation)
        let plan = SizePlan(
            transform, of: orientation.applied(to: part.size), isVector: source.format == .svg,
            limits: ResultLimits(
                side: min(limits.resultSide, output.longestSide),
                pixels: max(output.mostPixels(limits) / frames, 1)))
        let target = orientation.applied(to: plan.scaled)
        let factor = max(
            Double(target.width) / Double(part.width), Double(target.height) / Double(part.height))
        let decoded = stage.watching(try source.open(frames: frames, factor: factor))
        let decodedFrame = PixelSize(width: decoded.width, height: decoded.height / frames)
        let scaledPart = part.scaled(from: source.size, to: decodedFrame)
        let steps = [Resize(target: target), Colours()] + (try steps(plan, orientation, in: stage))
        func frame(_ index: Int, in stage: Stage) throws -> VipsImage {
            var place = scaledPart
            place.y += index * decodedFrame.height
            return try stage.run(steps, on: try decoded.cut(place))
        }
        guard frames > 1 else { return try frame(0, in: stage).withoutFrames() }
        let computed = try (0..<frames).map { index in try stage.computed { try frame(index, in: $0) } }
        return stage.watching(try computed.moving(like: decoded, frameHeight: plan.canvas.height))
    }

    /// The part of the source that counts.
    private func part(of source: ImageSource, _ orientation: Orientation, in stage: Stage) throws -> PixelRectangle {
        var part = PixelRectangle(all: source.size)
        if let tolerance = transform.trim {
            part = try TrimSearch(tolerance: tolerance, orientation: orientation).part(of: source, in: stage)
        }
        guard let crop = transform.crop else { return part }
        let inner = orientation.inSource(crop.rectangle(in: orientation.applied(to: part.size)), of: part.size)
        return PixelRectangle(x: part.x + inner.x, y: part.y + inner.y, width: inner.width, height: inner.height)
    }

    /// Everything behind the resize, in the order of the transform's fields.
    private func steps(_ plan: SizePlan, _ orientation: Orientation, in stage: Stage) throws -> [any Step] {
        var steps: [any Step] = []
        if orientation != .upright { steps.append(LayDown(orientation: orientation)) }
        if let removal = transform.backgroundRemoval { steps.append(RemoveBackground(removal: removal)) }
        let isPadded = plan.canvas.width > plan.scaled.width || plan.canvas.height > plan.scaled.height
        steps.append(
            isPadded
                ? Pad(canvas: plan.canvas, gravity: transform.gravity) : CutToFit(canvas: plan.canvas, gravity: transform.gravity)
        )
        if let blur = transform.blur { steps.append(Blur(sigma: blur.doubleValue)) }
        if let sharpen = transform.sharpen { steps.append(Sharpen(sigma: sharpen.doubleValue)) }
        steps += transform.filters
        if !transform.drawings.isEmpty { steps.append(Draw(drawings: transform.drawings)) }
        if let watermark = transform.watermark {
            steps.append(LayWatermark(watermark: watermark, picture: try picture(of: watermark, in: stage)))
        }
        if let radius = transform.cornerRadius { steps.append(Corners(radius: radius)) }
        if let background = transform.background { steps.append(Background(color: background)) }
        if !output.keepsTransparency { steps.append(Background(color: .white)) }
        return steps
    }

    private func picture(of watermark: Watermark, in stage: Stage) throws -> VipsImage? {
        guard case .picture = watermark.mark else { return nil }
        guard let bytes = recipe.overlay else { throw StorageError(.internal, "The picture of the watermark is missing") }
        return try Overlay(bytes: bytes, limits: limits, cleanSVG: cleanSVG, drawings: drawings).decoded(in: stage)
    }
}

extension PixelRectangle {
    /// The same part of the same picture in another size.
    func scaled(from full: PixelSize, to small: PixelSize) -> PixelRectangle {
        guard full != small else { return self }
        let across = Double(small.width) / Double(full.width)
        let down = Double(small.height) / Double(full.height)
        let left = Int((Double(x) * across).rounded())
        let top = Int((Double(y) * down).rounded())
        return PixelRectangle(
            x: left, y: top, width: Int((Double(x + width) * across).rounded()) - left,
            height: Int((Double(y + height) * down).rounded()) - top
        ).clamped(to: small)
    }
}
