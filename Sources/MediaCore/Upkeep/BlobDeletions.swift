// SPDX-License-Identifier: Apache-2.0

import Logging
import Metrics
import Synchronization

/// Removes the blobs whose deletion was requested, each backend by itself: one that does not answer keeps no other waiting.
final class BlobDeletions: Sendable {
    /// How many blobs one call of a store removes.
    static let batch = 500

    private let metadata: any MetadataStore
    private let blobs: any BlobStoreDirectory
    private let variants: (any VariantStore)?
    private let logger: Logger
    private let deleted = Counter(label: "magpie_upkeep_blobs_deleted_total")
    private let failures = Counter(label: "magpie_upkeep_deletions_failed_total")
    /// The backends that are worked on, and whether somebody has asked since.
    private let busy = Mutex<[BackendID: Bool]>([:])

    /// - Parameter variants: what was made of blobs goes with them.
    init(
        metadata: any MetadataStore, blobs: any BlobStoreDirectory, variants: (any VariantStore)?, logger: Logger
    ) {
        self.metadata = metadata
        self.blobs = blobs
        self.variants = variants
        self.logger = logger
    }

    /// Removes what is due. - Returns: how many went.
    func remove() async throws -> Int {
        let backends = try await metadata.backendsWithDeletions()
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for backend in backends { group.addTask { try await self.removeAll(in: backend) } }
            return try await group.reduce(0, +)
        }
    }

    /// Removes what is due whenever somebody asks, until cancelled. A backend that is being worked on is not waited for.
    func whenAsked(by signal: WakeSignal) async {
        await withDiscardingTaskGroup { group in
            for await _ in signal.wakes {
                if Task.isCancelled { return }
                await work.attempt("deletion") {
                    for backend in try await metadata.backendsWithDeletions() where begin(backend) {
                        group.addTask {
                            repeat {
                                await self.work.attempt("deletion") { _ = try await self.removeAll(in: backend) }
                            } while !self.end(backend)
                        }
                    }
                }
            }
        }
    }

    /// - Returns: whether nobody works on the backend. Who does looks again before it ends: it may have looked too early.
    private func begin(_ backend: BackendID) -> Bool {
        busy.withLock { $0.updateValue($0[backend] != nil, forKey: backend) == nil }
    }

    /// - Returns: whether nobody has asked meanwhile, so that this is the end.
    private func end(_ backend: BackendID) -> Bool {
        busy.withLock { busy in
            guard busy[backend] == true, !Task.isCancelled else {
                busy[backend] = nil
                return true
            }
            busy[backend] = false
            return false
        }
    }

    private func removeAll(in backend: BackendID) async throws -> Int {
        var removed = 0
        while true {
            let batch = try await metadata.takeBlobDeletions(in: backend, limit: Self.batch)
            guard !batch.isEmpty else { return removed }
            let count = try await remove(batch, from: backend)
            removed += count
            guard batch.count == Self.batch, count > 0 else { return removed }
            try Task.checkCancellation()
        }
    }

    private func remove(_ deletions: [BlobDeletion], from backend: BackendID) async throws -> Int {
        do {
            try await blobs.store(for: backend).delete(deletions.map(\.key))
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as StorageError where error.isOfWholeStore {
            // None of them would fare better by itself.
            return try await postpone(deletions, in: backend, because: error)
        } catch  where deletions.count > 1 {
            // One blob that can't go must not keep the others.
            var removed = 0
            for deletion in deletions { removed += try await remove([deletion], from: backend) }
            return removed
        } catch {
            return try await postpone(deletions, in: backend, because: error)
        }
        await forgetVariants(of: deletions)
        try await metadata.finishBlobDeletions(deletions.map(\.id))
        deleted.increment(by: Int64(deletions.count))
        return deletions.count
    }

    private func postpone(
        _ deletions: [BlobDeletion], in backend: BackendID, because error: any Error
    ) async throws -> Int {
        failures.increment(by: Int64(deletions.count))
        logger.warning(
            "blobs not deleted, trying again later",
            metadata: [
                "backend": "\(backend)", "count": "\(deletions.count)", "key": "\(deletions[0].key)", "error": "\(error)",
            ])
        try await metadata.postponeBlobDeletions(deletions.map(\.id), because: "\(error)")
        return 0
    }

    /// They are out of reach already, so it does not matter much when some stay until their turn comes.
    private func forgetVariants(of deletions: [BlobDeletion]) async {
        do {
            try await variants?.forget(deletions.filter(\.endsVersion).map(\.version))
        } catch {
            logger.warning("variants of deleted objects stay for now", metadata: ["error": "\(error)"])
        }
    }

    private var work: RecurringWork { RecurringWork(name: "upkeep", logger: logger) }
}

extension StorageError {
    /// Whether a store said that it can't be used at all, as opposed to what it was asked for.
    fileprivate var isOfWholeStore: Bool { code == .originUnavailable || code == .originTimedOut }
}
