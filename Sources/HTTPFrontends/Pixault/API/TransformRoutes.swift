// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore

/// Named transforms.
extension PixaultAPICall {
    func transforms(of project: BucketID, as caller: Caller) async throws -> Response {
        let presets = try await storage.buckets.imageSettings(of: project, as: caller).presets
        var writer = JSONWriter()
        writer.array(presets.values.sorted { $0.name < $1.name }) { writer, preset in preset.write(to: &writer, project) }
        return Self.json(writer.text)
    }

    func transform(_ name: String, of project: BucketID, as caller: Caller) async throws -> Response {
        guard let preset = try await storage.buckets.imageSettings(of: project, as: caller).presets[name] else {
            throw Self.noTransform(name, project)
        }
        return Self.json(preset.json(project))
    }

    func putTransform(_ name: String, in project: BucketID, as caller: Caller) async throws -> Response {
        let preset = try PresetBody(try await fields()).preset(named: name)
        try await storage.buckets.putPreset(preset, in: project, as: caller)
        return Self.json(preset.json(project))
    }

    /// How the older interface makes them: the name in the body, and none that is there already.
    func createTransform(in project: BucketID, as caller: Caller) async throws -> Response {
        let body = PresetBody(try await fields())
        guard let name = try body.text("name") else { throw PixaultProblem.invalid("name", "is missing") }
        let preset = try body.preset(named: name)
        guard try await storage.buckets.imageSettings(of: project, as: caller).presets[name] == nil else {
            throw PixaultProblem(.conflict, "The project \(project) has a transform \(name)")
        }
        try await storage.buckets.putPreset(preset, in: project, as: caller)
        return Self.json(preset.json(project), status: .created)
    }

    func deleteTransform(_ name: String, in project: BucketID, as caller: Caller) async throws -> Response {
        guard try await storage.buckets.deletePreset(name, in: project, as: caller) else { throw Self.noTransform(name, project) }
        return Self.done
    }

    private static func noTransform(_ name: String, _ project: BucketID) -> PixaultProblem {
        PixaultProblem(.notFound, "The project \(project) has no transform \(name.prefix(64))")
    }
}
