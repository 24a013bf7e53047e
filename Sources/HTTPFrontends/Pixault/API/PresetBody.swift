// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// A named transform as clients send it: flat, or, as older ones do, in `parameters` under the names of URLs. A null says nothing.
struct PresetBody {
    private var fields: [String: RequestValue]

    /// What is only ever said by the server, or kept nowhere. Clients send back what they were given.
    private static let ignored: Set<String> = ["name", "projectid", "description", "createdat", "updatedat"]
    private static let older = [
        "w": "width", "h": "height", "fit": "fitMode", "q": "quality", "blur": "blur", "wm": "watermarkId",
        "wm_pos": "watermarkPosition", "wm_opacity": "watermarkOpacity",
    ]
    private static let known = Set(NamedTransform.Parameter.allCases.map { $0.rawValue.lowercased() })
        .union(["plugins", "lockedplugins", "lockedparameters"])

    init(_ fields: [String: RequestValue]) {
        var flat = fields
        if case .object(let parameters) = flat.removeValue(forKey: "parameters") {
            for (name, value) in parameters { flat[Self.older[name] ?? name] = value }
        }
        if let locked = flat.removeValue(forKey: "locked") { flat["lockedParameters"] = locked }
        // Clients in other languages differ in case.
        self.fields = Dictionary(flat.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
    }

    /// - Throws: `PixaultProblem` that names the first field that is wrong.
    func preset(named name: String) throws -> NamedTransform {
        for (field, value) in fields.sorted(by: { $0.key < $1.key })
        where !Self.known.contains(field) && !Self.ignored.contains(field) {
            if case .null = value { continue }
            throw PixaultProblem.invalid(String(field.prefix(64)), "is no field of a transform")
        }
        var transform = Transform()
        transform.width = try integer(.width, in: 1...4096)
        transform.height = try integer(.height, in: 1...4096)
        transform.fit = try choice(.fitMode, of: Transform.Fit.self)
        transform.quality = try integer(.quality, in: 1...100)
        transform.blur = try integer(.blur, in: 0...100).flatMap { $0 == 0 ? nil : FixedPoint($0) }
        let mark = TransformRequest.WatermarkChoice(
            id: try text(NamedTransform.Parameter.watermarkId.rawValue).flatMap { $0.isEmpty ? nil : $0 },
            position: try choice(.watermarkPosition, of: Watermark.Position.self),
            opacity: try integer(.watermarkOpacity, in: 0...100))
        return NamedTransform(
            name: name,
            request: TransformRequest(
                transform, watermark: mark == TransformRequest.WatermarkChoice() ? nil : mark, plugins: try pluginCalls()),
            lockedParameters: try lockedParameters(), lockedPlugins: try lockedPlugins())
    }

    /// Nil when it is absent or null.
    func text(_ name: String) throws(PixaultProblem) -> String? {
        switch fields[name.lowercased()] {
        case nil, .null: return nil
        case .string(let text) where text.utf8.count <= 200 && !text.utf8.contains(0): return text
        default: throw .invalid(name, "must be text")
        }
    }

    private func integer(_ name: NamedTransform.Parameter, in range: ClosedRange<Int>) throws(PixaultProblem) -> Int? {
        switch fields[name.rawValue.lowercased()] {
        case nil, .null: return nil
        case .number(let number) where number == number.rounded():
            guard number >= Double(range.lowerBound), number <= Double(range.upperBound) else { break }
            return Int(number)
        default: break
        }
        throw .invalid(name.rawValue, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }

    private func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: NamedTransform.Parameter, of type: Choice.Type
    ) throws(PixaultProblem) -> Choice? {
        guard let text = try text(name.rawValue), !text.isEmpty else { return nil }
        guard let choice = Choice(rawValue: text.lowercased()) else {
            throw .invalid(name.rawValue, "must be one of " + type.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    private func strings(_ name: String) throws(PixaultProblem) -> [String] {
        switch fields[name.lowercased()] {
        case nil, .null: return []
        case .array(let items) where items.count <= 100:
            var result: [String] = []
            for item in items {
                guard case .string(let text) = item else { throw .invalid(name, "must be a list of texts") }
                result.append(text)
            }
            return result
        default: throw .invalid(name, "must be a list of texts")
        }
    }

    private func lockedParameters() throws(PixaultProblem) -> Set<NamedTransform.Parameter> {
        let all = NamedTransform.Parameter.allCases
        var locked: Set<NamedTransform.Parameter> = []
        for name in try strings("lockedParameters") {
            let wanted = (Self.older[name] ?? name).lowercased()
            guard let parameter = all.first(where: { $0.rawValue.lowercased() == wanted }) else {
                throw .invalid("lockedParameters", "must be some of " + all.map(\.rawValue).joined(separator: ", "))
            }
            locked.insert(parameter)
        }
        return locked
    }

    private func lockedPlugins() throws(PixaultProblem) -> Set<Plugin> {
        var locked: Set<Plugin> = []
        for name in try strings("lockedPlugins") {
            guard let plugin = Plugin(named: name) else { throw Self.noPlugin("lockedPlugins", name) }
            locked.insert(plugin)
        }
        return locked
    }

    /// A plugin's value, or a list of values where it is called more than once: `{"filter": ["sepia", "brightness-1.2"]}`.
    private func pluginCalls() throws(PixaultProblem) -> [TransformRequest.PluginCall] {
        let plugins: [String: RequestValue]
        switch fields["plugins"] {
        case nil, .null: return []
        case .object(let object): plugins = object
        default: throw .invalid("plugins", "must be an object")
        }
        var calls: [TransformRequest.PluginCall] = []
        for (name, value) in plugins.sorted(by: { $0.key < $1.key }) {
            guard let plugin = Plugin(named: name) else { throw Self.noPlugin("plugins", name) }
            let items: [RequestValue] = if case .array(let items) = value { items } else { [value] }
            for item in items {
                switch item {
                case .null: continue
                case .string(let text) where text.utf8.count <= 200:
                    calls.append(TransformRequest.PluginCall(plugin, value: text))
                default: throw .invalid("plugins.\(plugin.rawValue)", "must be what a URL says behind the plugin's name")
                }
            }
        }
        guard calls.count <= 16 else { throw .invalid("plugins", "must not be more than 16") }
        return calls
    }

    private static func noPlugin(_ field: String, _ name: String) -> PixaultProblem {
        .invalid(field, "names \(name.prefix(64)), which is none of " + Plugin.allCases.map(\.rawValue).joined(separator: ", "))
    }
}

extension NamedTransform {
    func json(_ project: BucketID) -> String {
        var writer = JSONWriter()
        write(to: &writer, project)
        return writer.text
    }

    func write(to writer: inout JSONWriter, _ project: BucketID) {
        let (transform, mark) = (request.transform, request.watermark)
        writer.object { writer in
            writer.field("name", name)
            writer.field("projectId", project.rawValue)
            writer.field("width", transform.width.map(Int64.init))
            writer.field("height", transform.height.map(Int64.init))
            writer.field("fitMode", transform.fit?.rawValue)
            writer.field("quality", transform.quality.map(Int64.init))
            writer.field("blur", transform.blur.map { Int64($0.thousandths / 1000) })
            writer.field("watermarkId", mark?.id)
            writer.field("watermarkPosition", mark?.position?.rawValue)
            writer.field("watermarkOpacity", mark?.opacity.map(Int64.init))
            writer.key("plugins")
            if request.plugins.isEmpty { writer.string(nil) } else { writer.object(writePlugins) }
            writer.key("lockedPlugins")
            writer.array(lockedPlugins.map(\.rawValue).sorted()) { writer, name in writer.string(name) }
            writer.key("lockedParameters")
            writer.array(Parameter.allCases.filter(lockedParameters.contains)) { writer, parameter in
                writer.string(parameter.rawValue)
            }
        }
    }

    private func writePlugins(to writer: inout JSONWriter) {
        for plugin in Plugin.allCases {
            let values = request.plugins.filter { $0.plugin == plugin }.map(\.value)
            guard let first = values.first else { continue }
            writer.key(plugin.rawValue)
            if values.count == 1 { writer.string(first) } else { writer.array(values) { writer, value in writer.string(value) } }
        }
    }
}
