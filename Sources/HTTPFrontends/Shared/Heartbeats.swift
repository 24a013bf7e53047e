// SPDX-License-Identifier: Apache-2.0

/// Work that may take longer than whoever waits for it believes a silent connection to be alive.
///
/// It begins at once. It is cancelled when nobody reads the beats any more.
struct Heartbeats<Value: Sendable>: Sendable {
    enum Beat: Sendable {
        case goesOn
        /// The last one.
        case ended(Result<Value, any Error>)
    }

    /// For one reader. One beat at most waits to be read.
    let beats: AsyncStream<Beat>

    init(every interval: Duration, of work: @escaping @Sendable () async throws -> Value) {
        let (beats, listener) = AsyncStream.makeStream(of: Beat.self, bufferingPolicy: .bufferingNewest(1))
        let task = Task {
            let result = await withTaskGroup(of: Void.self) { clock in
                clock.addTask {
                    while true {
                        do { try await Task.sleep(for: interval) } catch { return }
                        listener.yield(.goesOn)
                    }
                }
                defer { clock.cancelAll() }
                do { return Result<Value, any Error>.success(try await work()) } catch { return .failure(error) }
            }
            listener.yield(.ended(result))
            listener.finish()
        }
        listener.onTermination = { _ in task.cancel() }
        self.beats = beats
    }
}
