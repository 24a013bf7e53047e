// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore
import Subprocess

/// Whether tools have to be shut away.
public enum SandboxPolicy: String, Sendable, CaseIterable {
    /// Without a sandbox nothing is converted.
    case required
    /// The operator trusts every file, or shuts the whole server away: tools run with limits and nothing else.
    case off
}

/// Runs tools on strangers' files, shut away and bounded.
struct Sandbox: Sendable {
    let limits: ConversionLimits
    /// Nil: tools run unshut, as the operator wanted.
    private let walls: Bubblewrap?
    /// For tools; the others wait.
    private let places: WorkPlaces

    /// Without walls.
    init(limits: ConversionLimits) {
        self.limits = limits
        places = WorkPlaces(limits.places)
        walls = nil
    }

    /// - Parameter identity: whom tools run as.
    /// - Throws: `ConversionFailure` with `.notConfigured` when the programs for it are missing.
    init(limits: ConversionLimits, _ identity: Bubblewrap.Identity) throws(ConversionFailure) {
        guard let walls = Bubblewrap(identity) else {
            throw ConversionFailure(
                .notConfigured, "Conversions need bubblewrap and util-linux, which are not installed on this server")
        }
        self.limits = limits
        self.walls = walls
        places = WorkPlaces(limits.places)
    }

    /// Whom the next tool runs as: its output directory has to belong to them. Nil: this process's user.
    func freshOwner() -> uid_t? { walls?.freshOwner() }

    /// Runs one tool to its end, when it is its turn.
    ///
    /// When this returns or throws, the tool and all it started are gone, or the kernel has been told to end them.
    /// - Parameters:
    ///   - output: an empty directory, with its owner as `freshOwner` gave it.
    ///   - account: whose work it is, and how long it may still take.
    /// - Returns: however the tool itself ended.
    /// - Throws: `ConversionFailure` when a limit ended it, or when it could not be started; `CancellationError`.
    func run(_ run: ToolRun, output: OutputDirectory, for account: ToolAccount = ToolAccount()) async throws -> ToolResult {
        guard let tool = run.tool.path() else {
            throw ConversionFailure(.notConfigured, "\(run.tool.rawValue) of the package \(run.tool.package) is not installed")
        }
        let command = words(run, tool: tool, output: output)
        let printed: ToolResult
        do {
            printed = try await places.withPlace(for: account.claim) {
                try await account.timed(limits.timeout) { try await bounded(command, output, $0) }
            }
        } catch is WorkPlaces.Full {
            throw ConversionFailure(.busy, "Too many files are being converted, please retry in a moment")
        }
        let result = walls == nil ? printed : try Bubblewrap.inside(printed)
        if let failure = ToolEnd.failure(of: result) { throw failure }
        return result
    }

    private func words(_ run: ToolRun, tool: String, output: OutputDirectory) -> [String] {
        guard let walls else {
            let paths = ToolPaths(input: run.input ?? "", output: output.path)
            let seconds = Limiting.processorSeconds(limits)
            let limiting = Limiting.options(limits, processes: nil, seconds: seconds)
            return Tool.modestly + [Tool.prlimit.rawValue] + limiting + [
                "--", Tool.setpriv.rawValue, "--pdeathsig", "KILL", "--", tool,
            ]
                + run.arguments(paths)
        }
        return Tool.modestly
            + walls.command(
                [tool] + run.arguments(Bubblewrap.paths), input: run.input, output: output.path, owner: output.owner,
                limits: limits)
    }

    private enum End: Sendable {
        case ended(ToolResult)
        case failed(ConversionFailure)
    }

    /// Whatever comes first: the tool's end, the end of its time, or too much of its output.
    private func bounded(_ command: [String], _ output: OutputDirectory, _ timeout: Duration) async throws -> ToolResult {
        try await withThrowingTaskGroup(of: End.self) { group in
            defer { group.cancelAll() }
            group.addTask { .ended(try await execute(command)) }
            group.addTask {
                try await Task.sleep(for: timeout)
                return .failed(ToolEnd.timedOut)
            }
            group.addTask {
                try await output.waitUntilPast(limits.output)
                return .failed(ToolEnd.outputTooLarge)
            }
            switch try await group.next() {
            case .ended(let result): return result
            case .failed(let failure): throw failure
            case nil: throw CancellationError()
            }
        }
    }

    private func execute(_ command: [String]) async throws -> ToolResult {
        var options = PlatformOptions()
        options.createSession = true
        // What bubblewrap has just started, and does not die with it yet, is still of its group.
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(1))]
        do {
            let result = try await Subprocess.run(
                .name(command[0]), arguments: Arguments(Array(command.dropFirst())), environment: Self.environment,
                platformOptions: options, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                async let complaints = Self.read(execution.standardError, keeping: Self.complaintLength, dropsStart: true)
                let output = try await Self.read(
                    execution.standardOutput, keeping: limits.printed + (walls == nil ? 0 : Bubblewrap.sign.utf8.count),
                    dropsStart: false)
                return (output, try await complaints)
            }
            // A tool that was stopped because nobody waits any more has no result.
            try Task.checkCancellation()
            let status: Int32 =
                switch result.terminationStatus {
                case .exited(let code): code
                case .signaled(let signal): 128 + signal
                }
            let (output, complaints) = result.closureResult
            return ToolResult(status: status, output: output, complaints: ToolEnd.printable(complaints))
        } catch {
            // What is stopped fails in many ways.
            try Task.checkCancellation()
            throw ConversionFailure(.sandboxUnavailable, "The sandbox can't be started", detail: "\(error)")
        }
    }

    /// Reads all of it, so that the tool never waits for us, and keeps a part.
    private static func read(
        _ sequence: SubprocessOutputSequence, keeping most: Int, dropsStart: Bool
    ) async throws -> [UInt8] {
        var kept: [UInt8] = []
        for try await buffer in sequence {
            buffer.withUnsafeBytes { bytes in
                if dropsStart {
                    kept += bytes
                    if kept.count > most { kept.removeFirst(kept.count - most) }
                } else {
                    kept += bytes.prefix(most - kept.count)
                }
            }
        }
        return kept
    }

    private static let complaintLength = 4096
    /// Nothing of our own environment, which may hold secrets.
    private static let environment = Environment.custom(["PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": "C.UTF-8"])
}
