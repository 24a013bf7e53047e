// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import Synchronization

/// Takes down how projects' own stores are, when that changes.
final class BackendHealthLog: Sendable {
    private struct Note: Sendable {
        var backend: BackendID
        var health: BackendHealth
    }

    private struct Known {
        var failure: String?
        var notedAt: ContinuousClock.Instant
    }

    /// A failure that goes on is taken down again after so long.
    private static let interval = Duration.seconds(60)

    private let known = Mutex<[BackendID: Known]>([:])
    private let notes: AsyncStream<Note>.Continuation
    /// One after the other, so that the last one stays.
    private let writing: Task<Void, Never>

    init(metadata: any MetadataStore, logger: Logger) {
        let (stream, notes) = AsyncStream.makeStream(of: Note.self, bufferingPolicy: .bufferingNewest(256))
        self.notes = notes
        writing = Task {
            for await note in stream {
                do {
                    try await metadata.recordHealth(note.health, of: note.backend)
                } catch {
                    logger.notice("the health of a project's storage was not taken down", metadata: ["error": "\(error)"])
                }
                guard let failure = note.health.failure else { continue }
                logger.warning(
                    "a project's storage can't be used", metadata: ["backend": "\(note.backend)", "error": "\(failure)"])
            }
        }
    }

    deinit { notes.finish() }

    /// - Parameter error: nil when the store answered.
    func note(_ backend: BackendID, _ error: (any Error)?) {
        // Causes name what a service answered, and neither secrets nor addresses.
        let failure = error.map { ($0 as? StorageError).map { $0.cause.map { "\($0)" } ?? $0.message } ?? "failed" }
        let now = ContinuousClock.now
        let isNews = known.withLock { known in
            if let last = known[backend], last.failure == failure, failure == nil || now - last.notedAt < Self.interval {
                return false
            }
            known[backend] = Known(failure: failure, notedAt: now)
            return true
        }
        guard isNews else { return }
        notes.yield(Note(backend: backend, health: BackendHealth(checkedAt: .now(), failure: failure)))
    }

    /// Writes what there is to be written, and no more.
    func close() async {
        notes.finish()
        await writing.value
    }
}
