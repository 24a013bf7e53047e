// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore

/// What this machine can convert, found out by trying it.
struct ToolSurvey: Sendable {
    /// Nil when nothing may be run.
    var sandbox: Sandbox?
    var abilities: Set<ConversionAbility> = []
    /// Of the tools that make pictures.
    var versions = "none"
    /// Of what makes pictures of SVG.
    var vectorVersion = "none"

    static func make(
        _ policy: SandboxPolicy, _ limits: ConversionLimits, _ scratch: Scratch, _ threads: FileThreads, _ logger: Logger
    ) async throws -> ToolSurvey {
        var survey = ToolSurvey()
        do {
            (survey.sandbox, survey.versions, survey.vectorVersion) = try await working(policy, limits, scratch, threads)
        } catch let failure as ConversionFailure {
            logger.warning(
                "conversions of PostScript, SVG and video are off: tools can't be shut away here",
                metadata: ["reason": "\(failure)", "remedy": "see docs/operations.md"])
            return survey
        }
        if policy == .off {
            logger.warning("tools that convert strangers' files are not shut away, as MAGPIE_SANDBOX=off says")
        }
        let needs: [(ConversionAbility, [Tool])] = [
            (.documents, Tool.ofDocuments), (.drawings, Tool.ofDrawings), (.videos, Tool.ofVideos),
            (.metadata, Tool.ofMetadata), (.vectors, Tool.ofVectors),
        ]
        for (ability, tools) in needs {
            let missing = tools.filter { $0.path() == nil }
            if missing.isEmpty {
                survey.abilities.insert(ability)
            } else {
                let packages = Set(missing.map(\.package)).sorted().joined(separator: " ")
                logger.notice(
                    "a kind of conversion is off: its tools are not installed",
                    metadata: ["conversion": "\(ability.rawValue)", "packages": "\(packages)"])
            }
        }
        return survey
    }

    /// A sandbox that works, and the versions of the tools in it. - Throws: `ConversionFailure` when it does not.
    private static func working(
        _ policy: SandboxPolicy, _ limits: ConversionLimits, _ scratch: Scratch, _ threads: FileThreads
    ) async throws -> (Sandbox, versions: String, ofVectors: String) {
        let sandbox = try sandbox(policy, generous)
        let ofPictures = try await versions(
            of: [(.ghostscript, "--version"), (.pdftocairo, "-v"), (.ffmpeg, "-version")], in: sandbox, scratch, threads)
        let ofVectors = try await versions(of: [(.rsvgConvert, "--version")], in: sandbox, scratch, threads)
        return (try Self.sandbox(policy, limits), ofPictures, ofVectors)
    }

    /// With places of its own. - Throws: `ConversionFailure` when the programs for it are missing.
    static func sandbox(_ policy: SandboxPolicy, _ limits: ConversionLimits) throws(ConversionFailure) -> Sandbox {
        policy == .required ? try Sandbox(limits: limits, .fitting) : Sandbox(limits: limits)
    }

    /// Whether there is a sandbox is one question; whether files fit into the limits is asked of each file.
    private static let generous = ConversionLimits()

    /// Runs each tool once, shut away as it will be. - Throws: `ConversionFailure` when the sandbox does not work.
    private static func versions(
        of tools: [(Tool, String)], in sandbox: Sandbox, _ scratch: Scratch, _ threads: FileThreads
    ) async throws -> String {
        let (name, directory) = try await threads.run { try scratch.makeDirectory() }
        let result: Result<[String], any Error>
        do {
            let owner = sandbox.freshOwner()
            if let owner { try await threads.run { try directory.give(to: owner) } }
            let output = OutputDirectory(directory: directory, owner: owner, threads: threads)
            // Something that is there for sure, and does nothing.
            _ = try await sandbox.run(ToolRun(.prlimit, input: nil) { _ in ["--version"] }, output: output)
            var versions: [String] = []
            for (tool, option) in tools where tool.path() != nil {
                let printed = try await sandbox.run(ToolRun(tool, input: nil) { _ in [option] }, output: output)
                versions.append(
                    tool.rawValue + "-" + version(String(decoding: printed.output, as: UTF8.self) + printed.complaints))
            }
            result = .success(versions)
        } catch {
            result = .failure(error)
        }
        try await threads.run { try scratch.removeDirectory(name) }
        return try result.get().joined(separator: "-")
    }

    /// The first number with a point in it.
    private static func version(_ text: String) -> String {
        let words = text.prefix(300).split { !($0.isASCII && ($0.isNumber || $0 == ".")) }
        return words.first { $0.contains(".") && $0.first?.isNumber == true }.map(String.init) ?? "unknown"
    }
}
