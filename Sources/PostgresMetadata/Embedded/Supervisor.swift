// SPDX-License-Identifier: Apache-2.0

import Subprocess

/// Runs Postgres so that it never outlives this process.
///
/// A small shell in a session of its own (a Ctrl-C at the terminal does not reach it) starts Postgres and reads a pipe whose other
/// end only this process holds. The pipe ends with this process, in whatever way that ends, and the shell then has Postgres
/// shut down. Should the shell itself be killed, the kernel tells Postgres (`setpriv --pdeathsig`).
struct Supervisor: Sendable {
    /// Arguments: the start log, a directory to remove afterwards or nothing, the command. Descriptor 3 is the
    /// cluster's, and Postgres is to be the only one to keep it: see `ClusterEntrance.isOccupied`.
    private static let script = """
        log=$1; directory=$2; shift 2
        exec 4<&0 </dev/null
        trap '' HUP INT TERM
        setpriv --pdeathsig INT -- "$@" >"$log" 2>&1 4<&- &
        postgres=$!
        ( exec 3<&-; read -r line <&4; kill -INT "$postgres" ) 2>/dev/null &
        watcher=$!
        exec 3<&- 4<&-
        wait "$postgres"
        status=$?
        kill -KILL "$watcher" 2>/dev/null
        if [ -n "$directory" ]; then rmdir "$directory" 2>/dev/null; fi
        exit "$status"
        """

    let entrance: ClusterEntrance
    let command: [String]
    let socketDirectory: SocketDirectory

    /// Nothing of our own environment, which may hold secrets, goes to Postgres.
    static let environment = Environment.custom(["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"])

    /// The shell with its arguments.
    var words: [String] {
        entrance.prefix
            + ["sh", "-c", Self.script, "magpie-postgres", ClusterEntrance.path + "/../log/start.log"]
            + [socketDirectory.isTemporary ? socketDirectory.path : ""]
            + command
    }

    /// Runs Postgres until it ends by itself or `stop` has ended and it is shut down.
    /// - Returns: how the shell ended, which tells how Postgres ended.
    func run(until stop: AsyncStream<Never>) async throws -> TerminationStatus {
        let words = self.words
        var options = PlatformOptions()
        options.createSession = true
        let result = try await Subprocess.run(
            .name(words[0]), arguments: Arguments(Array(words.dropFirst())), environment: Self.environment,
            platformOptions: options, input: .inputWriter, output: .sequence, error: .discarded
        ) { execution in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in stop {}
                    try Task.checkCancellation()
                    // The end of the pipe is the sign to shut down.
                    try await execution.standardInputWriter.finish()
                }
                // The shell writes nothing: its output ends with it.
                for try await _ in execution.standardOutput {}
                group.cancelAll()
                while let result = await group.nextResult() {
                    if case .failure(let error) = result, !(error is CancellationError) { throw error }
                }
            }
        }
        return result.terminationStatus
    }
}
