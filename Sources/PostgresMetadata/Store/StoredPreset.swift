// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore

/// A preset as `magpie.presets.body` holds it: the fields of a transform that presets use, by the names of the canonical text.
struct StoredPreset: Codable {
    struct Mark: Codable {
        var id: String?
        var position: String?
        var opacity: Int?
    }

    struct Call: Codable {
        var plugin: String
        var value: String
    }

    var width: Int?
    var height: Int?
    var fit: String?
    var quality: Int?
    var blur: String?
    var watermark: Mark?
    var plugins: [Call]?
    var lockedParameters: [String]?
    var lockedPlugins: [String]?

    init(_ preset: NamedTransform) {
        let (request, transform) = (preset.request, preset.request.transform)
        self.width = transform.width
        self.height = transform.height
        self.fit = transform.fit?.rawValue
        self.quality = transform.quality
        self.blur = transform.blur?.description
        self.watermark = request.watermark.map { Mark(id: $0.id, position: $0.position?.rawValue, opacity: $0.opacity) }
        self.plugins = request.plugins.map { Call(plugin: $0.plugin.rawValue, value: $0.value) }
        self.lockedParameters = preset.lockedParameters.map(\.rawValue).sorted()
        self.lockedPlugins = preset.lockedPlugins.map(\.rawValue).sorted()
    }

    /// What a later version wrote and this one does not know is left out.
    func named(_ name: String) -> NamedTransform {
        var transform = Transform()
        transform.width = width
        transform.height = height
        transform.fit = fit.flatMap(Transform.Fit.init)
        transform.quality = quality
        transform.blur = blur.flatMap { FixedPoint($0) }
        let calls = (plugins ?? []).compactMap { call in
            Plugin(rawValue: call.plugin).map { TransformRequest.PluginCall($0, value: call.value) }
        }
        let choice = watermark.map { mark in
            TransformRequest.WatermarkChoice(
                id: mark.id, position: mark.position.flatMap(Watermark.Position.init), opacity: mark.opacity)
        }
        return NamedTransform(
            name: name, request: TransformRequest(transform, watermark: choice, plugins: calls),
            lockedParameters: Set((lockedParameters ?? []).compactMap(NamedTransform.Parameter.init)),
            lockedPlugins: Set((lockedPlugins ?? []).compactMap(Plugin.init)))
    }
}

extension StoredPreset {
    init(_ text: JSONText) throws(PostgresError) {
        do {
            self = try JSONDecoder().decode(StoredPreset.self, from: Data(text.rawValue.utf8))
        } catch {
            throw PostgresError(.unexpectedResult, "a row of magpie.presets can't be read")
        }
    }

    func json() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
}
