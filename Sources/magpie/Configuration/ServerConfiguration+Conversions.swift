// SPDX-License-Identifier: Apache-2.0

import MediaProcessing

extension ServerConfiguration {
    /// What may be spent on PostScript and videos.
    struct Conversions: Sendable {
        var limits: ConversionLimits
        var sandbox: SandboxPolicy
    }
}

extension ServerConfiguration.Conversions {
    /// Nil: nothing is converted.
    init?(_ settings: Settings) throws {
        guard try settings.choice("CONVERT", of: Switch.self) == .on else { return nil }
        sandbox = try settings.choice("SANDBOX", of: SandboxPolicy.self)
        limits = ConversionLimits(
            timeout: try settings.duration("CONVERT_TIMEOUT", atLeast: .seconds(1), atMost: .seconds(3600)),
            memory: try Self.bytes("CONVERT_MEMORY", settings), output: try Self.bytes("CONVERT_OUTPUT", settings),
            pixels: try settings.integer("CONVERT_PIXELS", in: 10_000...900_000_000),
            pages: try settings.integer("CONVERT_PAGES", in: 1...10_000),
            tools: try Self.tools(settings), queue: try Self.queue(settings),
            wait: try settings.duration("CONVERT_WAIT", atLeast: .seconds(1), atMost: .seconds(600)))
    }

    /// How many tools run at a time.
    static func tools(_ settings: Settings) throws -> Int { try settings.integer("CONVERT_TOOLS", in: 1...64) }

    /// How many conversions that somebody waits for may wait.
    static func queue(_ settings: Settings) throws -> Int { try settings.integer("CONVERT_QUEUE", in: 0...10_000) }

    /// With less no tool so much as starts.
    private static func bytes(_ name: String, _ settings: Settings) throws -> Int64 {
        let bytes = try settings.bytes(name)
        guard bytes >= 1 << 20, bytes <= 1 << 40 else {
            throw ConfigurationError("MAGPIE_\(name) must be from 1MiB to 1TiB")
        }
        return bytes
    }
}
