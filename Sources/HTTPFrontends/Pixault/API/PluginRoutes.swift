// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

/// Plugins: what there is, and what a project switched on. None of them costs anything.
extension PixaultAPICall {
    func catalogue() -> Response {
        var writer = JSONWriter()
        writer.array(Plugin.allCases) { writer, plugin in plugin.write(to: &writer, isActivated: nil) }
        return Self.json(writer.text)
    }

    func catalogueEntry(_ name: String) throws -> Response {
        var writer = JSONWriter()
        try Self.plugin(name).write(to: &writer, isActivated: nil)
        return Self.json(writer.text)
    }

    func plugins(of project: BucketID, as caller: Caller) async throws -> Response {
        let active = try await storage.buckets.imageSettings(of: project, as: caller).plugins
        var writer = JSONWriter()
        writer.array(Plugin.allCases) { writer, plugin in plugin.write(to: &writer, isActivated: active.contains(plugin)) }
        return Self.json(writer.text)
    }

    func setPlugin(_ name: String, isActive: Bool, in project: BucketID, as caller: Caller) async throws -> Response {
        try await storage.buckets.setPlugin(try Self.plugin(name), isActive: isActive, in: project, as: caller)
        return Self.done
    }

    private static func plugin(_ name: String) throws(PixaultProblem) -> Plugin {
        guard let plugin = Plugin(named: name) else {
            throw PixaultProblem(.notFound, "There is no plugin \(name.prefix(64))")
        }
        return plugin
    }
}

extension Plugin {
    private var text: (name: String, description: String, category: String, stage: String) {
        switch self {
        case .backgroundRemoval:
            (
                "Background Removal",
                "Makes the background transparent, by colour: bg_remove, or bg_1 to bg_255, the lower the more goes.", "editing",
                "PreProcess"
            )
        case .smartCrop:
            (
                "Smart Crop",
                "Chooses what a crop keeps: smart_crop_face, smart_crop_entropy, smart_crop_attention or smart_crop_center.",
                "editing", "PostResize"
            )
        case .watermarkTemplates:
            (
                "Watermark Templates",
                "wt_corner-logo lays the watermark called logo into the corner, wt_diagonal-text the project's name over everything.",
                "branding", "PostProcess"
            )
        case .filterPack:
            (
                "Image Filter Pack",
                """
                filter_sepia, _grayscale, _invert, _vintage, _cool, _warm, and with a factor of 0 to 10 _brightness-1.2, _contrast-1.2, \
                _saturation-1.2, _gamma-1.2.
                """, "effects", "PostProcess"
            )
        case .draw:
            (
                "Draw",
                "draw_rect-X-Y-W-H-COLOR, draw_circle-X-Y-R-COLOR, draw_line-X-Y-X-Y-COLOR; -fill fills, 50p is half the side.",
                "editing", "PostProcess"
            )
        }
    }

    fileprivate func write(to writer: inout JSONWriter, isActivated: Bool?) {
        let text = self.text
        writer.object { writer in
            writer.field("name", rawValue)
            writer.field("displayName", text.name)
            writer.field("description", text.description)
            writer.field("vendor", "Magpie")
            writer.field("category", text.category)
            writer.field("stage", text.stage)
            writer.field("priceCentsPerInvocation", 0)
            writer.field("urlPrefix", rawValue)
            if let isActivated { writer.field("isActivated", isActivated) }
        }
    }
}
