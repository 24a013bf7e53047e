// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import Testing

@testable import HTTPFrontends

@Suite struct JSONLogHandlerTests {
    /// What is logged by `body`, line by line.
    private func logged(capacity: Int = 1 << 20, _ body: (Logger) -> Void) async throws -> [[String: Any]] {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        let sink = LogSink(descriptor: ends[1], capacity: capacity, gathering: .zero)
        body(Logger(label: "test", factory: { JSONLogHandler(label: $0, level: .trace, sink: sink) }))
        try await sink.close()
        close(ends[1])
        let data = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readDataToEndOfFile()
        return try data.split(separator: UInt8(ascii: "\n")).map {
            try #require(try JSONSerialization.jsonObject(with: Data($0)) as? [String: Any])
        }
    }

    @Test func aLineHoldsWhatHappened() async throws {
        let line = try #require(try await logged { $0.notice("hello", metadata: ["bucket": "cats"]) }.first)
        #expect(line["level"] as? String == "notice")
        #expect(line["logger"] as? String == "test")
        #expect(line["message"] as? String == "hello")
        #expect(line["bucket"] as? String == "cats")
        #expect((line["time"] as? String)?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
    }

    @Test(arguments: ["quote \" and \\", "two\nlines\r\n", "tab\tnull\u{0}", "\u{1B}[31mred", "Grüße 🐦", "\u{2028}"])
    func anyTextStaysOneLineOfJSON(text: String) async throws {
        let lines = try await logged { $0.info("\(text)", metadata: ["value": "\(text)", "\(text)": "key"]) }
        try #require(lines.count == 1)
        #expect(lines[0]["message"] as? String == text)
        #expect(lines[0]["value"] as? String == text)
        #expect(lines[0][text] as? String == "key")
    }

    @Test(arguments: [
        "authorization", "Authorization", "x-api-key", "apikey", "token", "refreshToken", "secret", "JWT_SECRET", "password",
        "signature", "x-amz-signature", "set-cookie",
    ])
    func valuesOfSecretKeysAreNotWritten(key: String) async throws {
        let line = try #require(try await logged { $0.info("x", metadata: ["\(key)": "hunter2"]) }.first)
        #expect(line[key] as? String == "[redacted]")
    }

    @Test func metadataCantTakeTheFixedFields() async throws {
        let line = try #require(try await logged { $0.info("real", metadata: ["message": "fake", "level": "fake"]) }.first)
        #expect(line["message"] as? String == "real")
        #expect(line["level"] as? String == "info")
    }

    @Test func linesBeyondTheBoundAreDroppedAndCounted() async throws {
        let lines = try await logged(capacity: 1) { logger in for _ in 0..<1000 { logger.info("x") } }
        let dropped = lines.compactMap { $0["dropped"] as? Int }.reduce(0, +)
        let written = lines.count { $0["message"] as? String == "x" }
        #expect(written + dropped == 1000)
        #expect(written >= 1)
    }
}
