// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOHTTP1
import WireFormats

/// Makes one object of many, without their bytes passing through here. Google takes 32 at a time, so more become fewer first.
struct GCSComposer: Sendable {
    private static let most = 32

    let client: ServiceClient<GCSDialect>

    /// - Throws: `NameTaken`; `ServiceFailure`.
    func join(_ sources: [String], into name: String) async throws {
        var current = sources
        // Beside a source: who gives up the sources lists what is there, and so finds these too.
        let stem = "\(sources[0]).join-\(UUID().uuidString.lowercased())"
        var made: [String] = []
        do {
            var round = 0
            while current.count > Self.most {
                round += 1
                var next: [String] = []
                for start in stride(from: 0, to: current.count, by: Self.most) {
                    let step = "\(stem)-\(round)-\(start)"
                    made.append(step)
                    try await compose(Array(current[start..<min(start + Self.most, current.count)]), into: step)
                    next.append(step)
                }
                current = next
            }
            try await compose(current, into: name)
        } catch {
            await discard(made)
            throw error
        }
        await discard(made)
    }

    private func compose(_ sources: [String], into name: String) async throws {
        let writer = GCSWriter(client: client, name: name)
        let composition = GCSComposition(
            sourceObjects: sources.map { .init(name: $0) }, destination: GCSResource(metadata: writer.metadata))
        let body = ByteBuffer(bytes: try JSONEncoder().encode(composition))
        try await writer.once {
            _ = try await client.send(
                GCSRequest(
                    .POST, .object(name, action: "compose"), query: [GCSWriter.onlyIfFree],
                    fields: [NamedValue("content-type", "application/json")], body: body))
        }
    }

    /// What stays goes with the sources.
    private func discard(_ names: [String]) async {
        guard !names.isEmpty else { return }
        await Task {
            do {
                try await forEach(names, concurrently: 8) { _ = try await client.send(GCSRequest(.DELETE, .object($0))) }
            } catch { return }
        }.value
    }
}
