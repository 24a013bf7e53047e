// SPDX-License-Identifier: Apache-2.0

/// From what a URL says to what is run: the one place where presets, watermarks, plugins and limits come in.
extension TransformRequest {
    /// The transform that is run, in its normal form: requests that mean the same resolve to equal transforms.
    ///
    /// - Parameters:
    ///   - settings: those of the object's bucket.
    ///   - project: what the bucket is called, for watermarks that say so.
    ///   - accepted: what the reader accepts, for requests that leave the format to it.
    /// - Throws: `StorageError` with `.objectNotFound` for a preset that is not there; `.invalidParameter` for a plugin that the URL
    ///   names and that is not active, or whose value means nothing.
    func resolved(
        by settings: ImageSettings, project: String, accepted: AcceptedFormats, limits: ImageLimits
    ) throws(StorageError) -> Transform {
        let request = try merged(with: settings)
        var transform = request.transform
        if let choice = request.watermark { transform.watermark = choice.watermark(of: settings) }
        for call in request.plugins { try call.apply(to: &transform, settings, request.watermark, project: project) }
        // A template brings a place of its own.
        if let position = lockedPosition(by: settings) { transform.watermark?.position = position }
        transform.limit(to: limits)
        if (transform.format ?? .accepted) == .accepted {
            transform.format = .negotiated(accepted, for: transform, limits: limits)
        }
        return transform.normalised()
    }

    /// Where the preset says that any watermark is, and no URL may say otherwise.
    private func lockedPosition(by settings: ImageSettings) -> Watermark.Position? {
        guard let preset = preset.flatMap({ settings.presets[$0] }), preset.lockedParameters.contains(.watermarkPosition)
        else { return nil }
        return preset.request.watermark?.position
    }

    /// What the URL and its preset say together: the URL wins where it may. Every plugin that is left is to run.
    private func merged(with settings: ImageSettings) throws(StorageError) -> TransformRequest {
        var preset = NamedTransform(name: "", request: TransformRequest())
        if let name = self.preset {
            guard let found = settings.presets[name] else {
                throw StorageError(
                    .objectNotFound, "There is no transform called \(name.prefix(64))", resource: String(name.prefix(64)))
            }
            preset = found
        }
        let own = preset.request
        func pick<Value>(_ parameter: NamedTransform.Parameter, _ value: (TransformRequest) -> Value?) -> Value? {
            preset.lockedParameters.contains(parameter) ? value(own) : value(self) ?? value(own)
        }
        // What is locked is as many pixels as the preset says, on any screen.
        func side(_ parameter: NamedTransform.Parameter, _ value: (Transform) -> Int?) -> Int? {
            let length = pick(parameter) { value($0.transform) }
            return preset.lockedParameters.contains(parameter) ? length : length?.multiplied(by: pixelRatio)
        }
        var merged = self
        merged.transform.width = side(.width, \.width)
        merged.transform.height = side(.height, \.height)
        merged.transform.fit = pick(.fitMode, \.transform.fit)
        // A preset's box is what its project wants to have, of small images too.
        if self.preset != nil, transform.enlarges == nil, merged.transform.fillsBox { merged.transform.enlarges = true }
        merged.transform.quality = pick(.quality, \.transform.quality)
        merged.transform.blur = pick(.blur, \.transform.blur)
        if watermark != nil || own.watermark != nil {
            merged.watermark = WatermarkChoice(
                id: pick(.watermarkId, \.watermark?.id), position: pick(.watermarkPosition, \.watermark?.position),
                opacity: pick(.watermarkOpacity, \.watermark?.opacity))
        }
        merged.plugins = try plugins(over: preset, of: settings)
        return merged
    }

    /// The plugins that run: the preset's, but for those that the URL calls otherwise and may, and the URL's.
    ///
    /// A preset goes on without a plugin that is switched off. A URL that names one fails: what it gets is kept by caches for long.
    private func plugins(over preset: NamedTransform, of settings: ImageSettings) throws(StorageError) -> [PluginCall] {
        var said = plugins.filter { !preset.lockedPlugins.contains($0.plugin) }
        if let inactive = said.first(where: { !settings.plugins.contains($0.plugin) }) {
            throw StorageError(
                .invalidParameter, "The plugin \(inactive.plugin.rawValue) is not active", resource: inactive.plugin.rawValue)
        }
        // There is room for one watermark, which may come from a template as well.
        let locksWatermark = preset.lockedParameters.contains(.watermarkId)
        if locksWatermark, preset.request.watermark?.id != nil { said.removeAll { $0.plugin == .watermarkTemplates } }
        var replaced = Set(said.map(\.plugin))
        if !locksWatermark, watermark?.id != nil { replaced.insert(.watermarkTemplates) }
        let kept = preset.request.plugins.filter { call in
            settings.plugins.contains(call.plugin)
                && (preset.lockedPlugins.contains(call.plugin) || !replaced.contains(call.plugin))
        }
        let calls = kept + said
        guard calls.count <= Self.maxPluginCalls else {
            throw StorageError(
                .invalidParameter, "There can be no more than \(Self.maxPluginCalls) plugin calls", resource: "plugins")
        }
        return calls
    }

    /// Each is a pass over all pixels, or more.
    private static let maxPluginCalls = 16
}

extension TransformRequest.WatermarkChoice {
    /// The watermark itself. Nil when it is gone, or nothing of it would be seen.
    fileprivate func watermark(of settings: ImageSettings) -> Watermark? {
        guard let id, let picture = settings.watermarks[id] else { return nil }
        return Watermark(.picture(digest: picture.digest), position: position ?? .bottomRight, opacity: opacity ?? 30)
    }
}

extension Int {
    fileprivate func multiplied(by ratio: FixedPoint?) -> Int {
        guard let ratio else { return self }
        // Far beyond every limit, and far from what an integer can't hold.
        return Int((Swift.min(Double(self), 1e9) * ratio.doubleValue).rounded())
    }
}

extension Transform {
    fileprivate var fillsBox: Bool {
        guard width != nil, height != nil else { return false }
        return fit != .contain && fit != .scaleDown
    }

    /// Makes the box as small as it has to be, in its own ratio.
    fileprivate mutating func limit(to limits: ImageLimits) {
        let sides = [width, height].compactMap(\.self).map { Double(max($0, 1)) }
        guard let longest = sides.max() else { return }
        var factor = min(1, Double(limits.resultSide) / longest)
        if sides.count == 2 { factor = min(factor, (Double(limits.resultPixels) / (sides[0] * sides[1])).squareRoot()) }
        func limited(_ side: Int) -> Int { factor < 1 ? max(Int(Double(side) * factor), 1) : max(side, 1) }
        width = width.map(limited)
        height = height.map(limited)
    }
}
