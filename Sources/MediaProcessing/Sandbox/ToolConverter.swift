// SPDX-License-Identifier: Apache-2.0

public import Logging
public import MediaCore
import NIOCore

/// Converts with Ghostscript, Poppler and FFmpeg, each run shut away by bubblewrap.
public struct ToolConverter: MediaConverter {
    /// Counts what may change the bytes that come of a file.
    private static let generation = 1

    public let revision: String
    public let abilities: Set<ConversionAbility>
    private let scratch: Scratch
    private let sandbox: Sandbox?
    private let threads: FileThreads
    private let renderers: RenderThreads
    private let vectors: (policy: SandboxPolicy, version: String)

    /// Removes what killed processes left, and finds out what can be done here. What can't is logged, and is no error.
    ///
    /// - Parameters:
    ///   - directory: for files being worked on; it is made, in one that exists.
    ///   - limits: of each file.
    ///   - policy: whether a sandbox is needed.
    /// - Throws: `StorageError` with `.internal` when the directory can't be used.
    public static func open(
        at directory: String, limits: ConversionLimits = ConversionLimits(), policy: SandboxPolicy = .required, logger: Logger
    ) async throws -> ToolConverter {
        // Work on pixels needs libvips, which has to be started by somebody.
        _ = try VipsRuntime.version.get()
        let threads = FileThreads(count: limits.tools + 1)
        do {
            let scratch = try await threads.run { try Scratch.open(at: directory) }
            let survey = try await ToolSurvey.make(policy, limits, scratch, threads, logger)
            return ToolConverter(
                survey, policy, scratch: scratch, threads: threads, renderers: RenderThreads(count: limits.tools), limits: limits)
        } catch {
            try await threads.shutDown()
            throw error
        }
    }

    private init(
        _ survey: ToolSurvey, _ policy: SandboxPolicy, scratch: Scratch, threads: FileThreads, renderers: RenderThreads,
        limits: ConversionLimits
    ) {
        self.revision = "magpie-\(Self.generation)-\(survey.versions)-\(limits.pixels)"
        self.abilities = survey.abilities
        self.sandbox = survey.sandbox
        self.vectors = (policy, survey.vectorVersion)
        self.scratch = scratch
        self.threads = threads
        self.renderers = renderers
    }

    /// Waits for pixels and files that are being worked on, and removes the directory. To be called when no workspace is lent any more.
    public func shutDown() async throws {
        try await threads.run { [scratch] in try scratch.remove() }
        try await renderers.shutDown()
        try await threads.shutDown()
    }

    public func withWorkspace<Value: Sendable>(
        for order: ConversionOrder, _ body: (any ConversionWorkspace) async throws -> Value
    ) async throws -> Value {
        guard let sandbox else {
            throw ConversionFailure(.notConfigured, "Conversions are off: the sandbox for them does not work on this server")
        }
        return try await withWorkspace(for: order, in: sandbox, body)
    }

    /// What draws SVG, in places of its own. Nil where it can't be drawn.
    public func painter(_ limits: SVGPainter.Limits = SVGPainter.Limits()) throws(ConversionFailure) -> SVGPainter? {
        guard abilities.contains(.vectors) else { return nil }
        return SVGPainter(self, try ToolSurvey.sandbox(vectors.policy, limits.ofTool), revision: vectors.version)
    }

    func withWorkspace<Value: Sendable>(
        for order: ConversionOrder, in sandbox: Sandbox, _ body: (Workspace) async throws -> Value
    ) async throws -> Value {
        let (name, directory) = try await threads.run { [scratch] in try scratch.makeDirectory() }
        let result: Result<Value, any Error>
        do {
            let workspace = Workspace(
                directory, sandbox: sandbox, for: ToolAccount(order), threads: threads, renderers: renderers)
            result = .success(try await body(workspace))
        } catch {
            result = .failure(error)
        }
        try await threads.run { [scratch] in try scratch.removeDirectory(name) }
        return try result.get()
    }
}
