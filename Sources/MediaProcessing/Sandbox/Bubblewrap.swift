// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// The command line that shuts a tool away: namespaces of its own for everything, a file system that consists of the system's programs
/// (read-only), one input file (read-only) and one output directory, no network, no privileges, no environment, and limits.
///
struct Bubblewrap: Sendable {
    /// Whom a tool runs as.
    enum Identity: String, Sendable, CaseIterable {
        /// A user that nobody else is, who has no name and owns nothing. Only root can make it that.
        case stranger
        /// The server's own user, in a user namespace of the tool's own: without a privilege, and seeing none of that user's files.
        case secluded

        /// Root itself is never secluded: the kernel would count no process against its limit.
        static var fitting: Identity { geteuid() == 0 ? .stranger : .secluded }
    }

    /// Ids that no system gives to anybody. Each run has one of its own, so that runs can't reach each other, and the limit of processes
    /// counts those of one of them.
    private static let strangers: ClosedRange<uid_t> = 1_900_000_000...1_999_999_999

    private let prlimit: String
    private let setpriv: String
    private let identity: Identity
    private let system: [String]

    /// - Parameter find: where a tool is.
    /// - Returns: nil when what is needed is not installed.
    init?(_ identity: Identity, find: (Tool) -> String? = { $0.path() }) {
        guard find(.bubblewrap) != nil, let prlimit = find(.prlimit), let setpriv = find(.setpriv) else { return nil }
        self.prlimit = prlimit
        self.setpriv = setpriv
        self.identity = identity
        self.system = Self.systemMounts()
    }

    /// Whom the next tool runs as, and its output directory has to belong to. Nil: this process's user.
    func freshOwner() -> uid_t? { identity == .stranger ? uid_t.random(in: Self.strangers) : nil }

    /// The name of a program, which is looked for in the path, and its arguments.
    /// - Parameters:
    ///   - command: the tool and its arguments, with the paths of `paths`.
    ///   - input: a file on this machine.
    ///   - output: a directory on this machine, which belongs to `owner`.
    ///   - owner: as `freshOwner` gave it.
    func command(
        _ command: [String], input: String?, output: String, owner: uid_t?, limits: ConversionLimits
    ) -> [String] {
        var words = [Tool.bubblewrap.rawValue] + namespaces + system
        words += ["--dev", "/dev", "--size", "\(limits.temporary)", "--perms", "1777", "--tmpfs", "/tmp"]
        if let input { words += ["--ro-bind", input, Self.paths.input] }
        words += ["--bind", output, Self.paths.output]
        // What is left of the made-up file system is memory, too.
        words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--setenv", "HOME", "/tmp"]
        // What a tool puts aside may be as large as what it makes, and is bounded and watched together with that.
        words += ["--setenv", "TMPDIR", Self.paths.output, "--"]
        // Inside, so that the limit of processes counts those of the sandbox and not all of this user.
        words += limiting(limits)
        if let owner { words += becoming(owner) }
        return words + ["/bin/sh", "-c", Self.lifeline, "sh"] + command
    }

    /// Ends everything in the sandbox when standard input, whose other end only this process holds, ends.
    ///
    /// Bubblewrap dies with us, and the sandbox with it, but for a moment at the start neither is so yet. The tool itself gets an input
    /// that is empty. The directory may only be entered by whom it was given to.
    ///
    /// The last thing it does is to say so, in front of all that the tool prints: what is said without that was said by what comes before
    /// the tool, and nothing that the tool says or how it ends makes the sandbox look broken.
    private static let lifeline = """
        cd /out || exit 126
        exec 3<&0 </dev/null
        (read -r line <&3; kill -KILL -1) >/dev/null 2>&1 &
        exec 3<&-
        printf '%s' '\(sign)'
        exec "$@"
        """

    static let sign = "inside:"

    /// What a tool printed, by itself.
    /// - Throws: `ConversionFailure` with `.sandboxUnavailable` when no tool was started; with what the kernel or a limit did to the walls.
    static func inside(_ result: ToolResult) throws(ConversionFailure) -> ToolResult {
        guard result.output.starts(with: sign.utf8) else {
            // A disk that is full is the walls' own trouble here, and memory is the same for both.
            if let failure = ToolEnd.failure(of: result), failure.reason != .outputTooLarge { throw failure }
            throw ConversionFailure(
                .sandboxUnavailable, "The sandbox can't be started on this server", detail: result.complaints)
        }
        var result = result
        result.output.removeFirst(sign.utf8.count)
        return result
    }

    static let paths = ToolPaths(input: "/in/source", output: "/out")

    private var namespaces: [String] {
        let common = ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        guard identity == .stranger else { return ["--unshare-user", "--unshare-all", "--disable-userns"] + common }
        // Root needs no user namespace, and what is one for it inside would be root outside.
        return [
            "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        ] + common + ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    }

    private func becoming(_ owner: uid_t) -> [String] {
        [
            setpriv, "--reuid=\(owner)", "--regid=\(owner)", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--",
        ]
    }

    private func limiting(_ limits: ConversionLimits) -> [String] {
        let seconds = Limiting.processorSeconds(limits)
        return [prlimit] + Limiting.options(limits, processes: limits.processes, seconds: seconds) + ["--"]
    }

    /// The programs, their libraries, and the few files of the system that these read. No `/proc`: none of them needs it.
    private static func systemMounts() -> [String] {
        var words: [String] = []
        for directory in ["/etc", "/var", "/var/lib", "/var/cache", "/in"] { words += ["--perms", "0755", "--dir", directory] }
        words += ["--ro-bind", "/usr", "/usr"]
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            if let target = linkTarget("/\(name)") {
                words += ["--symlink", target, "/\(name)"]
            } else if access("/\(name)", F_OK) == 0 {
                words += ["--ro-bind", "/\(name)", "/\(name)"]
            }
        }
        for file in [
            "/etc/alternatives", "/etc/ld.so.cache", "/etc/fonts", "/etc/ghostscript", "/etc/papersize", "/var/lib/ghostscript",
            "/var/cache/fontconfig",
        ] { words += ["--ro-bind-try", file, file] }
        return words
    }

    private static func linkTarget(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink(path, start, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]), as: UTF8.self)
        }
    }
}

/// Resource limits as prlimit(1) takes them.
enum Limiting {
    static func processorSeconds(_ limits: ConversionLimits) -> Int64 {
        let parts = limits.timeout.components
        return max(parts.seconds + (parts.attoseconds > 0 ? 1 : 0), 1)
    }

    /// - Parameter processes: nil for as many as the user may have.
    static func options(_ limits: ConversionLimits, processes: Int?, seconds: Int64) -> [String] {
        var options = [
            "--core=0", "--cpu=\(seconds):\(seconds + 1)", "--as=\(limits.memory)", "--fsize=\(limits.output)",
            "--nofile=\(limits.openFiles)",
        ]
        if let processes { options.append("--nproc=\(processes)") }
        return options
    }
}
