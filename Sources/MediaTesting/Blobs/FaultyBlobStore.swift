// SPDX-License-Identifier: Apache-2.0

public import MediaCore
import Synchronization

/// A blob store that breaks on purpose: everything goes to the store it wraps, until a fault strikes.
///
/// ```swift
/// let store = FaultyBlobStore(InMemoryBlobStore(), failing: .putPart, after: 2)
/// let store = FaultyBlobStore(InMemoryBlobStore(), failing: .get, at: .midStream(afterBytes: 1000))
/// ```
public final class FaultyBlobStore: BlobStore {
    /// The calls of a blob store.
    public enum Call: Hashable, Sendable, CaseIterable {
        case put, get, info, copy, delete, list
        case beginMultipart, putPart, appendPart, completeMultipart, abortMultipart, visitUnfinishedMultiparts, sweepUnfinished
    }

    /// Where in a call the fault strikes.
    public enum Moment: Sendable {
        /// Nothing was done.
        case before
        /// Everything was done, but the caller never hears of it.
        case after
        /// `put`, `putPart` and `appendPart`: while the body arrives. `get`: while the bytes leave. Other calls: as `before`.
        case midStream(afterBytes: Int)
    }

    private struct Fault {
        var skips: Int
        var strikes: Int
        var moment: Moment
        var error: any Error
    }

    private struct State {
        var faults: [Call: Fault] = [:]
        var counts: [Call: Int] = [:]
    }

    private let store: any BlobStore
    private let beforeEachCall: (@Sendable (Call) async throws -> Void)?
    private let afterPut: (@Sendable () -> Void)?
    private let state = Mutex(State())

    /// Wraps a store and lets everything through.
    /// - Parameters:
    ///   - beforeEachCall: runs first in every call: a place to wait for a test's signal, or to throw.
    ///   - afterPut: runs last in every `put` that succeeded, in the caller's task.
    public init(
        _ store: any BlobStore, beforeEachCall: (@Sendable (Call) async throws -> Void)? = nil,
        afterPut: (@Sendable () -> Void)? = nil
    ) {
        self.store = store
        self.beforeEachCall = beforeEachCall
        self.afterPut = afterPut
    }

    /// Wraps a store and plans one fault.
    public convenience init(
        _ store: any BlobStore, failing call: Call, after skips: Int = 0, times: Int = .max, at moment: Moment = .before,
        with error: any Error = FaultyBlobStore.unavailable
    ) {
        self.init(store)
        fail(call, after: skips, times: times, at: moment, with: error)
    }

    /// What a broken backend throws.
    public static var unavailable: StorageError {
        StorageError(.backendUnavailable, "The storage backend is unavailable", isRetryable: true, cause: SampleFailure())
    }

    /// Lets the next `skips` calls through, then fails `times` of them.
    public func fail(
        _ call: Call, after skips: Int = 0, times: Int = .max, at moment: Moment = .before,
        with error: any Error = FaultyBlobStore.unavailable
    ) {
        state.withLock { $0.faults[call] = Fault(skips: skips, strikes: times, moment: moment, error: error) }
    }

    /// Forgets every planned fault.
    public func heal() { state.withLock { $0.faults = [:] } }

    /// How often a call was made, failed ones included.
    public func count(of call: Call) -> Int { state.withLock { $0.counts[call] ?? 0 } }

    public func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo {
        let info = try await receiving(body, in: .put) { try await self.store.put($0, at: key) }
        afterPut?()
        return info
    }

    public func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent {
        let fault = try await next(.get)
        guard let fault, case .midStream(let goodBytes) = fault.moment else {
            return try await run(fault) { try await self.store.get(key, range: range) }
        }
        var content = try await store.get(key, range: range)
        content.source = .stream(content.stream(chunkBytes: 1024).failing(afterBytes: goodBytes, with: fault.error))
        return content
    }

    public func info(_ key: BlobKey) async throws -> BlobInfo {
        try await run(next(.info)) { try await self.store.info(key) }
    }

    public func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
        try await run(next(.copy)) { try await self.store.copy(source, to: destination) }
    }

    public func delete(_ keys: [BlobKey]) async throws {
        try await run(next(.delete)) { try await self.store.delete(keys) }
    }

    public func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
        try await run(next(.list)) { try await self.store.list(prefix: prefix, after: cursor, limit: limit) }
    }

    public func beginMultipart(at key: BlobKey) async throws -> MultipartID {
        try await run(next(.beginMultipart)) { try await self.store.beginMultipart(at: key) }
    }

    public func putPart(_ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey) async throws -> BlobPart {
        try await receiving(body, in: .putPart) { try await self.store.putPart($0, as: number, of: id, at: key) }
    }

    public func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
        try await run(next(.completeMultipart)) { try await self.store.completeMultipart(id, at: key, parts: parts) }
    }

    public func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {
        try await run(next(.abortMultipart)) { try await self.store.abortMultipart(id, at: key) }
    }

    public var preferredPartBytes: Int64? { store.preferredPartBytes }

    public func appendPart(
        _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
    ) async throws -> BlobPart {
        try await receiving(body, in: .appendPart) {
            try await self.store.appendPart($0, to: part, takingOver: takingOver, of: id, at: key)
        }
    }

    public func visitUnfinishedMultiparts(
        before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
    ) async throws {
        try await run(next(.visitUnfinishedMultiparts)) {
            try await self.store.visitUnfinishedMultiparts(before: date, batch: batch, visit)
        }
    }

    public func sweepUnfinished(before date: Timestamp) async throws -> Int {
        try await run(next(.sweepUnfinished)) { try await self.store.sweepUnfinished(before: date) }
    }

    /// Counts the call and decides whether it fails.
    private func next(_ call: Call) async throws -> Fault? {
        let fault = state.withLock { state -> Fault? in
            state.counts[call, default: 0] += 1
            guard var fault = state.faults[call] else { return nil }
            defer { state.faults[call] = fault }
            if fault.skips > 0 {
                fault.skips -= 1
                return nil
            }
            guard fault.strikes > 0 else { return nil }
            fault.strikes -= 1
            return fault
        }
        try await beforeEachCall?(call)
        return fault
    }

    private func run<Value>(_ fault: Fault?, _ body: () async throws -> Value) async throws -> Value {
        guard let fault else { return try await body() }
        if case .after = fault.moment { _ = try await body() }
        throw fault.error
    }

    private func receiving<Value>(
        _ stream: ByteStream, in call: Call, _ body: (ByteStream) async throws -> Value
    ) async throws -> Value {
        let fault = try await next(call)
        if let fault, case .midStream(let goodBytes) = fault.moment {
            return try await body(stream.failing(afterBytes: goodBytes, with: fault.error))
        }
        return try await run(fault) { try await body(stream) }
    }
}
