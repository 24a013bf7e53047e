// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore

/// Finding out whether a store can be used, by using it.
extension Backends {
    /// How long a trial may take.
    private static let patience = Duration.seconds(30)

    /// Writes a small blob, reads it and deletes it.
    /// - Throws: `CancellationError`; what the store says is in the trial.
    func `try`(_ configuration: BackendConfiguration, of project: BucketID) async throws -> BackendTrial {
        let begin = ContinuousClock.now
        var failure: BackendTrial.Failure?
        do {
            try await within(Self.patience) { try await sentinel(configuration, project) }
        } catch let found as TrialFailure {
            try Task.checkCancellation()
            failure = BackendTrial.Failure(stage: found.stage, message: Self.message(of: found.cause))
            logger.notice(
                "a project's storage can't be used",
                metadata: ["bucket": "\(project)", "stage": "\(found.stage.rawValue)", "error": "\(found.cause)"])
        }
        let (seconds, attoseconds) = (ContinuousClock.now - begin).components
        return BackendTrial(milliseconds: seconds * 1000 + attoseconds / 1_000_000_000_000_000, failure: failure)
    }

    /// Tries a store as it is kept. One whose credentials can't be opened any more fails at the first step.
    func `try`(_ backend: Backend, of project: BucketID) async throws -> BackendTrial {
        let configuration: BackendConfiguration
        do {
            configuration = try vault.open(backend)
        } catch {
            return BackendTrial(milliseconds: 0, failure: .init(stage: .connect, message: error.message))
        }
        return try await self.try(configuration, of: project)
    }

    private func sentinel(_ configuration: BackendConfiguration, _ project: BucketID) async throws {
        let store = try await stage(.connect) { try await opener.open(configuration) }
        do {
            try await use(store, at: Self.sentinelKey(project, below: configuration.place.pathPrefix))
        } catch {
            try await store.close()
            throw error
        }
        try await store.close()
    }

    private func use(_ store: any BlobStore, at key: BlobKey) async throws {
        let content = ByteBuffer(string: "Magpie wrote this to find out whether it may. \(key)\n")
        try await stage(.write) { _ = try await store.put(ByteStream(content), at: key) }
        do {
            try await stage(.read) {
                let found = try await store.get(key, range: nil).stream().collected(upTo: content.readableBytes)
                guard found == content else {
                    throw StorageError(.backendUnavailable, "The storage gave back other bytes than were written")
                }
            }
        } catch {
            // Whatever is wrong with reading, nothing shall be left there.
            do { try await store.delete([key]) } catch {
                logger.notice("a sentinel stays in a project's storage", metadata: ["key": "\(key)", "error": "\(error)"])
            }
            throw error
        }
        try await stage(.delete) { try await store.delete([key]) }
    }

    /// A key that no blob has, where the project's blobs are: rights may end there.
    private static func sentinelKey(_ project: BucketID, below prefix: String) -> BlobKey {
        BlobKey("\(BlobNaming.folder(of: project, below: prefix))\(sentinelName)\(ObjectVersion())")
    }

    private static let sentinelName = "magpie-check-"

    /// Whether a key is that of a trial, which may be under way.
    static func isSentinel(_ key: BlobKey) -> Bool {
        key.rawValue.split(separator: "/", omittingEmptySubsequences: false).last?.hasPrefix(sentinelName) == true
    }

    private func stage<Value: Sendable>(
        _ stage: BackendTrial.Stage, _ body: () async throws -> Value
    ) async throws -> Value {
        do { return try await body() } catch { throw TrialFailure(stage: stage, cause: error) }
    }

    /// Causes of a store's failure name what it answered, and neither secrets nor what it was asked.
    private static func message(of error: any Error) -> String {
        guard let error = error as? StorageError else { return "\(error is CancellationError ? "no answer in time" : "failed")" }
        switch error.code {
        case .blobMissing: return "what was just written is not there"
        case .backendUnavailable, .originUnavailable, .originTimedOut:
            return error.cause.map { "\($0)" } ?? error.message
        default: return error.message
        }
    }

    /// Runs `body`, cancelled when it takes longer.
    private func within(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return false
            }
            // Whoever is second ends, too, before this returns: the body says how far it came.
            guard try await group.next() == false else { return group.cancelAll() }
            group.cancelAll()
            _ = try await group.next()
        }
    }
}

/// Where a trial ended.
private struct TrialFailure: Error {
    var stage: BackendTrial.Stage
    var cause: any Error
}
