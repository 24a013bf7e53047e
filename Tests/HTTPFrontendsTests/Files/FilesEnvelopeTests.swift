// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MediaCore
import NIOCore
import Testing

@testable import HTTPFrontends

struct FilesEnvelopeTests {
    /// What a response of a buffer holds.
    private final class Collector: ResponseBodyWriter {
        private(set) var text = ""
        func write(_ buffer: ByteBuffer) async throws { text += String(buffer: buffer) }
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    private func text(
        _ envelope: FilesEnvelope, saysSuccess: Bool = false, _ write: (inout JSONWriter) -> Void
    ) async throws -> String {
        let collector = Collector()
        try await envelope.response(saysSuccess: saysSuccess, write).body.write(collector)
        return collector.text
    }

    @Test(
        arguments: [
            (FilesEnvelope.flat, #"{"a":"x, y: z","n":5}"#), (.wrapped, #"{"success":true,"data":{"a":"x, y: z","n":5}}"#),
            (.both, #"{"success":true,"data":{"a":"x, y: z","n":5},"a":"x, y: z","n":5}"#),
        ])
    func theDataIsWhereItsReadersLook(envelope: FilesEnvelope, wanted: String) async throws {
        let found = try await text(envelope) { writer in
            writer.field("a", "x, y: z")
            writer.field("n", 5)
        }

        #expect(found == wanted)
    }

    @Test(
        arguments: [
            (FilesEnvelope.flat, "{}"), (.wrapped, #"{"success":true,"data":{}}"#), (.both, #"{"success":true,"data":{}}"#),
        ])
    func nothingIsAnEmptyObject(envelope: FilesEnvelope, wanted: String) async throws {
        #expect(try await text(envelope) { _ in } == wanted)
    }

    @Test(
        arguments: [
            (FilesEnvelope.flat, #"{"success":true,"key":"k"}"#),
            (.wrapped, #"{"success":true,"data":{"success":true,"key":"k"}}"#),
            (.both, #"{"success":true,"data":{"success":true,"key":"k"},"key":"k"}"#),
        ])
    func dataThatSaysOfItsSuccessSaysSoOnce(envelope: FilesEnvelope, wanted: String) async throws {
        #expect(try await text(envelope, saysSuccess: true) { $0.field("key", "k") } == wanted)
    }
}
