// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaTesting
import Testing

@testable import HTTPFrontends

/// Log lines: one JSON object each, whatever is logged, and never a secret.
@Suite struct LogTests {
    private func logger(_ log: CapturedLog, _ level: Logger.Level = .trace) -> Logger {
        Logger(label: "unit", factory: { JSONLogHandler(label: $0, level: level, sink: log.sink) })
    }

    private func parsed(_ line: String) throws -> [String: String] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    }

    @Test func anEventIsOneLineOfJSON() throws {
        let log = try CapturedLog()
        logger(log).warning("two\nlines \"quoted\" \\ \u{1} ü €", metadata: ["bucket": "a\tb", "count": "3"])

        let lines = log.lines()
        #expect(lines.count == 1)
        let fields = try parsed(lines[0])
        #expect(fields["message"] == "two\nlines \"quoted\" \\ \u{1} ü €")
        #expect(
            fields["level"] == "warning" && fields["logger"] == "unit" && fields["bucket"] == "a\tb" && fields["count"] == "3")
        #expect(fields["time"]?.count == 24 && fields["time"]?.hasSuffix("Z") == true)
    }

    @Test func anyTextSurvivesTheLine() throws {
        let log = try CapturedLog()
        var random = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let scalars = (0..<20).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x2FFF, using: &random)) }
            let text = String(String.UnicodeScalarView(scalars))
            logger(log).info("m", metadata: ["value": .string(text)])
            #expect(try parsed(#require(log.lines().last))["value"] == text)
        }
    }

    @Test(arguments: [
        "authorization", "Authorization", "x-api-token", "password", "jwtSecret", "MAGPIE_SERVICE_KEY", "cookie", "signature",
        "s3_secret_key",
        "apikey", "database_url",
    ])
    func valuesUnderSecretNamesAreReplaced(_ key: String) throws {
        let log = try CapturedLog()
        logger(log).info("m", metadata: [key: "do-not-show"])
        #expect(!log.lines()[0].contains("do-not-show"))
        #expect(try parsed(log.lines()[0])[key] == "[redacted]")
    }

    @Test(arguments: ["bucket", "key", "object", "path", "monkey"])
    func otherValuesAreShown(_ key: String) throws {
        let log = try CapturedLog()
        logger(log).info("m", metadata: [key: "shown"])
        #expect(try parsed(log.lines()[0])[key] == "shown")
    }

    @Test func metadataCanNotTakeTheFixedFields() throws {
        let log = try CapturedLog()
        logger(log).info("m", metadata: ["level": "critical", "message": "other"])
        let fields = try parsed(log.lines()[0])
        #expect(fields["level"] == "info" && fields["message"] == "m" && fields["level_"] == "critical")
    }

    @Test func theRequestIDHasOneNameEverywhere() throws {
        let log = try CapturedLog()
        var logger = logger(log)
        logger[metadataKey: "hb.request.id"] = "r1"
        logger.error("m")
        #expect(try parsed(log.lines()[0])["request_id"] == "r1")
    }

    @Test func levelsBelowTheChosenAreSilent() throws {
        let log = try CapturedLog()
        logger(log, .error).warning("m")
        #expect(log.lines().isEmpty)
        #expect(AccessLog(sink: log.sink, level: .notice) == nil)
    }

    @Test func whatIsNotReadIsDroppedAndSaid() throws {
        let log = try CapturedLog(capacity: 1000, gathering: .seconds(1) / 2)
        for index in 0..<1000 { log.sink.append { $0.append(contentsOf: "{\"line\":\(index)}\n".utf8) } }

        let lines = log.lines()
        #expect(lines.count < 1000)
        #expect(lines.first == #"{"line":0}"#)
        #expect(lines.last?.contains("dropped") == true)
        #expect(lines.last?.contains("\(1000 - (lines.count - 1))") == true)
    }

    @Test func linesOfManyThreadsStayWhole() async throws {
        let log = try CapturedLog()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask { for index in 0..<50 { logger(log).info("\(task)-\(index)") } }
            }
        }
        let lines = log.lines()
        #expect(lines.count == 400)
        #expect(try Set(lines.map { try parsed($0)["message"] }).count == 400)
    }
}
