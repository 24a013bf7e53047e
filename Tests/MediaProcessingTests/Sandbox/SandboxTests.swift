// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import MediaCore
import NIOCore
import Testing

@testable import MediaProcessing

/// What a tool could do if a stranger had taken it over. A shell plays the tool.
@Suite struct SandboxTests {
    /// Runs a script as if it were a tool, on a file that says `source`.
    private func shell(_ script: String, limits: ConversionLimits = ConversionLimits()) async throws -> ToolResult {
        try await Converting.with(ByteBuffer(string: "source"), limits: limits) { workspace, file in
            let workspace = try #require(workspace as? Workspace)
            // `prlimit` runs what it is given; it is in every sandbox.
            return try await workspace.run(.prlimit, on: file) { _ in ["--core=0", "/bin/sh", "-c", script] }.result
        }
    }

    private func said(_ script: String) async throws -> String {
        String(decoding: try await shell(script).output, as: UTF8.self)
    }

    @Test func aToolIsNobodyWithoutPrivilegesOrAnEnvironment() async throws {
        // The variable is one of this process's.
        setenv("MAGPIE_TEST_SECRET", "visible", 1)
        let text = try await said("id -u; id -G; env | sort; setpriv --dump")
        let id = try #require(text.split(separator: "\n").first.flatMap { Int($0) })
        #expect(geteuid() == 0 ? id >= 1_900_000_000 : id == geteuid())
        #expect(!text.contains("MAGPIE") && !text.contains("visible") && text.contains("HOME=/tmp\n"))
        #expect(text.contains("no_new_privs: 1") && text.contains("Capability bounding set: [none]"))
    }

    @Test func aToolSeesProgramsAndItsFileAndNothingElse() async throws {
        #expect(try await said("cat /in/source; echo; ls -a / | sort | tr '\\n' ' '").hasPrefix("source\n. .. bin "))
        for path in ["/etc/passwd", "/etc/shadow", "/root", "/home", "/proc/1/environ", "/run", "/sys", "/var/run"] {
            #expect(try await shell("ls \(path)").status != 0, "\(path)")
        }
        let directory = FileManager.default.temporaryDirectory.path
        #expect(try await shell("ls \(directory)/magpie-*").status != 0)
    }

    @Test func aToolWritesIntoItsOutputAndItsMemoryOnly() async throws {
        let script = """
            for path in / /etc /usr /usr/bin /in /dev /dev/shm /var; do
                touch $path/x 2>/dev/null && echo "wrote into $path"
            done
            echo x >> /in/source && echo "changed the source"
            touch /out/x /tmp/x && echo fine
            """
        #expect(try await said(script) == "fine\n")
        let failure = try await Converting.failure { try await shell("head -c 100000000 /dev/zero > /tmp/large") }
        #expect(failure?.reason == .outputTooLarge)
    }

    @Test func aToolHasNoNetwork() async throws {
        #expect(try await said("bash -c ': < /dev/tcp/192.0.2.1/80' 2>&1").contains("Network is unreachable"))
    }

    @Test func processesThatMultiplyReachTheirLimit() async throws {
        // A bomb with an end, should the limit not be there: 200 processes.
        let script = "i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done; echo all of them"
        let result = try await shell(script)
        #expect(result.status != 0 && result.output.isEmpty && result.complaints.contains("Cannot fork"))
    }

    @Test(.timeLimit(.minutes(5))) func timeEndsWhatNeverEnds() async throws {
        for script in ["while :; do :; done", "sleep 1000", "trap '' TERM HUP INT XCPU; while :; do sleep 1; done"] {
            let failure = try await Converting.failure { try await shell(script, limits: ConversionLimits(timeout: .seconds(1))) }
            #expect(failure?.reason == .timedOut)
        }
    }

    @Test func whatATypicalProgramLeavesInTheBackgroundEndsWithIt() async throws {
        // `Converting` looks for processes that are left.
        #expect(try await said("(sleep 1000 &) ; (setsid sleep 1000 >/dev/null 2>&1 </dev/null &); echo done") == "done\n")
    }

    @Test func outputIsBoundedInBytesInFilesAndInKinds() async throws {
        let limits = ConversionLimits(timeout: .seconds(20), output: 4 << 20)
        let scripts = [
            "head -c 9000000 /dev/zero > /out/one",
            "i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > /out/$i; sleep 0.02; done",
            "i=0; while :; do i=$((i+1)); : > /out/$i; done",
            "mkdir /out/d; sleep 1000",
        ]
        for script in scripts {
            let failure = try await Converting.failure { try await shell(script, limits: limits) }
            #expect(failure?.reason == .outputTooLarge, "\(script)")
        }
    }

    @Test func memoryIsBounded() async throws {
        let eater = "exec perl -e 'my $x = \"a\" x 900000000; print length $x'"
        let limits = ConversionLimits(memory: 256 << 20)
        #expect(try await Converting.failure { try await shell(eater, limits: limits) }?.reason == .outOfMemory)
    }

    @Test func whatAToolPrintsIsReadToItsEndAndKeptInPart() async throws {
        let result = try await shell(
            "head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2; printf '\\033[31mred\\n' >&2")
        #expect(result.status == 0)
        #expect(result.output.count == 256 << 10)
        #expect(result.complaints.count <= 4096 && result.complaints.hasSuffix("y[31mred"))
    }

    @Test func linksAndPipesAreNoResults() async throws {
        try await Converting.with(ByteBuffer(string: "source")) { workspace, file in
            let workspace = try #require(workspace as? Workspace)
            for script in [
                "ln -s /etc/passwd /out/made", "mkfifo /out/made", "echo x > /out/other; ln /out/other /out/made",
            ] {
                let failure = try await Converting.failure {
                    try await workspace.run(.prlimit, on: file, making: "made") { _ in ["--core=0", "/bin/sh", "-c", script] }
                }
                #expect(failure?.reason == .unreadable, "\(script)")
            }
            // The watch over sizes does not look into directories: it may be the first to see one.
            let failure = try await Converting.failure {
                try await workspace.run(.prlimit, on: file, making: "made") { _ in ["/bin/sh", "-c", "mkdir /out/made"] }
            }
            #expect([.unreadable, .outputTooLarge].contains(failure?.reason))
            let made = try await workspace.run(.prlimit, on: file, making: "made") { _ in ["/bin/sh", "-c", "echo x > /out/made"]
            }
            #expect(try await workspace.bytes(of: try #require(made.file)) == ByteBuffer(string: "x\n"))
        }
    }

    @Test func whateverIsLeftInTheOutputIsRemoved() async throws {
        // A deep tree without rights, odd names, and a link to something that must stay.
        let precious = FileManager.default.temporaryDirectory.appendingPathComponent("precious-\(UUID().uuidString)")
        try Data("x".utf8).write(to: precious)
        let script = """
            cd /out; ln -s \(precious.path) link; i=0
            while [ $i -lt 300 ]; do mkdir "d $i" 2>/dev/null && cd "d $i" && : > file; i=$((i+1)); done
            cd /out; mkdir closed; : > closed/file; chmod 000 closed; mkdir -p a/b/c; chmod 000 a/b; touch -- '-rf' 'a\nb'
            """
        // Directories count as too much when they are seen, which depends on how fast this is.
        _ = try await Converting.failure { try await shell(script) }
        #expect(FileManager.default.contents(atPath: precious.path) == Data("x".utf8))
        try FileManager.default.removeItem(at: precious)
    }

    @Test func cancellingATaskEndsItsTool() async throws {
        try await Converting.with(ByteBuffer(string: "source")) { workspace, file in
            let workspace = try #require(workspace as? Workspace)
            let place = workspace.directory.path
            // At whatever moment: while the sandbox is set up it can't yet be ended as it is afterwards.
            for round in 0..<20 {
                let task = Task {
                    try await workspace.run(.prlimit, on: file) { _ in ["--core=0", "/bin/sleep", "1000"] }
                }
                while try Children.count(of: place) == 0 { await Task.yield() }
                for _ in 0..<round * 50 { await Task.yield() }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(try await Children.areGone(of: place))
            }
        }
    }

    @Test func soManyToolsRunAtATimeAndTheOthersWait() async throws {
        try await Converting.with(ByteBuffer(string: "source"), limits: ConversionLimits(tools: 2)) { workspace, file in
            let workspace = try #require(workspace as? Workspace)
            // Each says when it began and ended by the machine's clock.
            let times = try await withThrowingTaskGroup(of: [Double].self) { group in
                for _ in 0..<5 {
                    group.addTask {
                        let script = "date +%s.%N; sleep 0.3; date +%s.%N"
                        let printed = try await workspace.run(.prlimit, on: file) { _ in ["--core=0", "/bin/sh", "-c", script] }
                            .result
                            .output
                        return String(decoding: printed, as: UTF8.self).split(separator: "\n").compactMap { Double($0) }
                    }
                }
                return try await group.reduce(into: [[Double]]()) { $0.append($1) }
            }
            for run in times { #expect(times.filter { $0[0] <= run[0] && run[0] < $0[1] }.count <= 2) }
        }
    }

    @Test func toolsThatAreNotShutAwayKeepTheirLimits() async throws {
        try await Converting.with(TestEPS.three, policy: .off) { workspace, file in
            let page = try await workspace.page(1, ofEPS: file)
            #expect(page.width == 833)
            let drawing = try await workspace.drawing(ofEPS: file, area: nil)
            #expect(drawing.size > 0)
        }
        let limits = ConversionLimits(timeout: .seconds(1))
        let failure = try await Converting.with(TestEPS.drawing("{ } loop"), limits: limits, policy: .off) { workspace, file in
            try await Converting.failure { try await workspace.pageCount(ofEPS: file) }
        }
        #expect(failure?.reason == .timedOut)
        let video = try await TestVideo().made()
        try await Converting.with(video, policy: .off) { workspace, file in
            let facts = try await workspace.facts(ofVideo: file)
            let poster = try await workspace.poster(ofVideo: file, facts)
            #expect(poster.size > 0)
        }
    }

    @Test func withoutASandboxNothingIsConverted() {
        #expect(Bubblewrap(.secluded, find: { $0 == .bubblewrap ? nil : $0.path() }) == nil)
        let ends: [(Int32, String)] = [
            (1, "bwrap: No permissions to create new namespace"), (1, "prlimit: failed to set the NOFILE resource limit"),
            (126, ""),
            (127, "sh: 5: exec: /usr/bin/gs: not found"),
        ]
        for (status, complaints) in ends {
            let result = ToolResult(status: status, output: [], complaints: complaints)
            #expect(reason(of: result) == .sandboxUnavailable)
            #expect(ToolEnd.failure(of: result)?.reason == nil)
        }
        let full = ToolResult(status: 1, output: [], complaints: "bwrap: Creating new namespace failed: No space left on device")
        #expect(reason(of: full) == .sandboxUnavailable)
        let missing = ToolResult(status: 127, output: [], complaints: "ffmpeg: libx.so: failed to map segment from shared object")
        #expect(reason(of: missing) == .outOfMemory)
    }

    /// Why a result is none of a tool's. Nil when it is.
    private func reason(of result: ToolResult) -> ConversionFailure.Reason? {
        do {
            _ = try Bubblewrap.inside(result)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func nothingThatAToolSaysMakesTheSandboxLookBroken() async throws {
        for script in ["echo 'bwrap: boom' >&2; exit 127", "echo 'prlimit: no' >&2; exit 126", "exec /nowhere"] {
            #expect(try await shell(script).status >= 126, "\(script)")
        }
    }

    @Test func whatAToolPutsAsideCountsAsItsOutput() async throws {
        let script = "head -c 200000000 /dev/zero > $TMPDIR/aside && rm $TMPDIR/aside && echo fine"
        #expect(try await said(script) == "fine\n")
        let failure = try await Converting.failure { try await shell(script, limits: ConversionLimits(output: 4 << 20)) }
        #expect(failure?.reason == .outputTooLarge)
    }

    @Test func toolsLeaveTheProcessorsToOthers() async throws {
        #expect(try await said("nice") == "10\n")
    }

    @Test func aLineOfToolsThatIsTooLongTurnsAwayWhoWaitsAndNoJob() async throws {
        let limits = ConversionLimits(tools: 1, queue: 0)
        try await Converting.with(limits: limits) { converter in
            try await converter.withWorkspace(for: ConversionOrder()) { workspace in
                let workspace = try #require(workspace as? Workspace)
                let running = Task {
                    try await workspace.run(.prlimit, on: nil) { _ in ["--core=0", "/bin/sh", "-c", "echo; exec sleep 1000"] }
                }
                while try Children.count(of: workspace.directory.path) == 0 { await Task.yield() }
                let busy = try await Converting.failure {
                    try await workspace.run(.prlimit, on: nil) { _ in ["--version"] }
                }
                #expect(busy?.reason == .busy && busy?.storageError.code == .overloaded && busy?.storageError.retryAfter != nil)
                let job = Task {
                    try await converter.withWorkspace(for: ConversionOrder(isPatient: true)) { patient in
                        let patient = try #require(patient as? Workspace)
                        return try await patient.run(.prlimit, on: nil) { _ in ["--version"] }.result.status
                    }
                }
                running.cancel()
                #expect(try await job.value == 0)
            }
        }
    }

    @Test func allToolsTogetherKeepToTheAllowance() async throws {
        try await Converting.with { converter in
            let failure = try await Converting.failure {
                try await converter.withWorkspace(for: ConversionOrder(allowance: .seconds(1))) { workspace in
                    let workspace = try #require(workspace as? Workspace)
                    for _ in 0..<20 {
                        _ = try await workspace.run(.prlimit, on: nil) { _ in ["--core=0", "/bin/sleep", "0.2"] }
                    }
                }
            }
            #expect(failure?.reason == .timedOut)
        }
    }

    @Test func someoneWhoIsNotRootGetsANamespaceOfUsers() throws {
        let walls = try #require(Bubblewrap(.secluded))
        let words = walls.command(["/usr/bin/gs"], input: "/a", output: "/b", owner: nil, limits: ConversionLimits())
        #expect(words.contains("--unshare-all") && words.contains("--disable-userns") && !words.contains("CAP_SETUID"))
        #expect(walls.freshOwner() == nil)
    }
}
