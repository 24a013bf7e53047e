// SPDX-License-Identifier: Apache-2.0

import Logging
import MediaCore
import MediaTesting
import NIOCore
import Synchronization
import Testing

@testable import BlobStores

/// Projects' own stores: when they are opened and closed, and what becomes of their failures.
struct OwnBlobStoresTests {
    /// Opens stores in memory and remembers them.
    private final class Opener: BackendOpener {
        /// A store in memory that can be closed and broken.
        final class Store: ClosableBlobStore {
            let faults = FaultyBlobStore(InMemoryBlobStore(form: .stream(chunkBytes: 4)))
            let isClosed = Mutex(false)
            let closed = Gate()

            func close() async throws {
                isClosed.withLock { $0 = true }
                await closed.open()
            }
            func put(_ body: ByteStream, at key: BlobKey) async throws -> BlobInfo { try await faults.put(body, at: key) }
            func get(_ key: BlobKey, range: ByteRange?) async throws -> BlobContent { try await faults.get(key, range: range) }
            func info(_ key: BlobKey) async throws -> BlobInfo { try await faults.info(key) }
            func copy(_ source: BlobKey, to destination: BlobKey) async throws -> BlobInfo {
                try await faults.copy(source, to: destination)
            }
            func delete(_ keys: [BlobKey]) async throws { try await faults.delete(keys) }
            func list(prefix: String, after cursor: String?, limit: Int) async throws -> BlobPage {
                try await faults.list(prefix: prefix, after: cursor, limit: limit)
            }
            func beginMultipart(at key: BlobKey) async throws -> MultipartID { try await faults.beginMultipart(at: key) }
            func putPart(
                _ body: ByteStream, as number: PartNumber, of id: MultipartID, at key: BlobKey
            ) async throws -> BlobPart { try await faults.putPart(body, as: number, of: id, at: key) }
            var preferredPartBytes: Int64? { nil }
            func appendPart(
                _ body: ByteStream, to part: BlobPart, takingOver: Bool, of id: MultipartID, at key: BlobKey
            ) async throws -> BlobPart {
                try await faults.appendPart(body, to: part, takingOver: takingOver, of: id, at: key)
            }
            func completeMultipart(_ id: MultipartID, at key: BlobKey, parts: [BlobPart]) async throws -> BlobInfo {
                try await faults.completeMultipart(id, at: key, parts: parts)
            }
            func abortMultipart(_ id: MultipartID, at key: BlobKey) async throws {}
            func visitUnfinishedMultiparts(
                before date: Timestamp, batch: Int, _ visit: ([UnfinishedMultipart]) async throws -> Void
            ) async throws {}
            func sweepUnfinished(before date: Timestamp) async throws -> Int { 0 }
        }

        let opened = Mutex<[(configuration: BackendConfiguration, store: Store)]>([])
        let failure = Mutex<StorageError?>(nil)

        func open(_ configuration: BackendConfiguration) async throws -> any ClosableBlobStore {
            if let failure = failure.withLock({ $0 }) { throw failure }
            let store = Store()
            opened.withLock { $0.append((configuration, store)) }
            return store
        }

        var stores: [Store] { opened.withLock { $0.map(\.store) } }
    }

    private struct Fixture {
        let metadata = InMemoryMetadataStore()
        let opener = Opener()
        let stores: OwnBlobStores
        let backends: Backends
        let caller = Caller(
            principal: Principal(role: "service_role", subject: nil, claims: .emptyObject, token: ""),
            facts: RequestFacts(operation: .upkeep))

        init(_ limits: OwnBlobStores.Limits = OwnBlobStores.Limits()) {
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let key = [UInt8](repeating: 7, count: 32)
            stores = OwnBlobStores(
                vault: BackendVault(metadata: metadata, masterKey: key), opener: opener, metadata: metadata, limits: limits,
                logger: logger)
            backends = Backends(metadata: metadata, opener: opener, masterKey: key, logger: logger)
        }

        /// A project with a store of its own. The store of the trial is the first that was opened.
        func configure(_ name: String = "shop", secret: String = "s") async throws -> BackendID {
            let project = BucketID(stored: name)
            if try await metadata.project(project, facts: caller.facts) == nil {
                _ = try await metadata.createProject(
                    Project(id: project, plan: Plan(.pro), createdAt: .now()), isPublic: true, keys: [])
            }
            let (backend, trial) = try await backends.configure(
                .s3(.init(bucket: "originals"), .init(accessKeyID: "a", secretAccessKey: secret)), of: project, as: caller)
            #expect(trial.failure == nil)
            return try #require(backend).id
        }
    }

    @Test func aStoreIsOpenedOnceForAllWhoWantIt() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()

        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await fixture.stores.store(for: id) } }
            try await group.waitForAll()
        }

        #expect(fixture.opener.stores.count == 2, "one for the trial, one to work with")
        await fixture.stores.close()
    }

    @Test func theStoreOfATrialIsClosed() async throws {
        let fixture = Fixture()

        _ = try await fixture.configure()

        #expect(fixture.opener.stores.map { store in store.isClosed.withLock { isClosed in isClosed } } == [true])
    }

    @Test func aChangedStoreIsOpenedAnewWithWhatItIsNow() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()
        _ = try await fixture.stores.store(for: id)
        #expect(try await fixture.configure(secret: "new") == id)

        await fixture.stores.apply(.backend(id))
        _ = try await fixture.stores.store(for: id)

        let last = try #require(fixture.opener.opened.withLock { $0.last?.configuration })
        guard case .s3(_, let credentials) = last else {
            Issue.record("\(last)")
            return
        }
        #expect(credentials.secretAccessKey == "new")
        await fixture.stores.close()
    }

    @Test func whoReadsABlobKeepsTheStoreOpenAndNobodyElseDoes() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()
        var store: (any BlobStore)? = try await fixture.stores.store(for: id)
        _ = try await store?.put(ByteStream(ByteBuffer(string: "0123456789")), at: BlobKey("k"))
        var content = try await store?.get(BlobKey("k"), range: nil)
        store = nil
        let opened = try #require(fixture.opener.stores.last)

        await fixture.stores.apply(.lostTrack)

        #expect(opened.isClosed.withLock { isClosed in !isClosed })
        #expect(try await content?.stream().collected() == ByteBuffer(string: "0123456789"))
        content = nil
        await opened.closed.wait()
    }

    @Test func noMoreStoresStayOpenThanMay() async throws {
        let fixture = Fixture(.init(open: 2))
        for name in ["a1", "a2", "a3"] {
            let id = try await fixture.configure(name)
            _ = try await fixture.stores.store(for: id)
        }

        #expect(await fixture.stores.openCount == 2)
        // Opened in turn with those of the trials: the second is the first project's.
        await fixture.opener.stores[1].closed.wait()
        await fixture.stores.close()
    }

    @Test func aStoreThatNobodyUsesIsClosed() async throws {
        let fixture = Fixture(.init(idle: .seconds(60)))
        let id = try await fixture.configure()
        _ = try await fixture.stores.store(for: id)

        await fixture.stores.closeIdle(at: .now + .seconds(30))
        #expect(await fixture.stores.openCount == 1)
        await fixture.stores.closeIdle(at: .now + .seconds(61))

        #expect(await fixture.stores.openCount == 0)
        await fixture.opener.stores[1].closed.wait()
    }

    @Test func aStoreThatCannotBeOpenedIsNotTriedAtOnceAgain() async throws {
        let fixture = Fixture(.init(pause: .seconds(3600)))
        let id = try await fixture.configure()
        fixture.opener.failure.withLock { $0 = StorageError(.invalidParameter, "endpoint must not lead there") }

        #expect(await errorCode { _ = try await fixture.stores.store(for: id) } == .originUnavailable)
        fixture.opener.failure.withLock { $0 = nil }
        #expect(await errorCode { _ = try await fixture.stores.store(for: id) } == .originUnavailable)

        await fixture.stores.apply(.backend(id))
        #expect(await errorCode { _ = try await fixture.stores.store(for: id) } == nil)
        await fixture.stores.close()
    }

    @Test func whoWasForgottenIsUnavailable() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()
        _ = try await fixture.backends.remove(of: BucketID(stored: "shop"), forgetsCredentials: true, as: fixture.caller)

        #expect(await errorCode { _ = try await fixture.stores.store(for: id) } == .originUnavailable)
        #expect(await errorCode { _ = try await fixture.stores.store(for: .own()) } == .originUnavailable)
        await fixture.stores.close()
    }

    @Test func itsFailuresAreItsOwnAndTakenDown() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()
        let store = try await fixture.stores.store(for: id)
        let opened = try #require(fixture.opener.stores.last)
        let late = StorageError(.backendUnavailable, "", cause: ServiceFailure(.late("read timeout")))
        let refused = StorageError(.backendUnavailable, "", cause: ServiceFailure(.refused(status: 403, code: "AccessDenied")))

        #expect(await errorCode { _ = try await store.info(BlobKey("k")) } == .blobMissing)
        opened.faults.fail(.info, with: late)
        #expect(await errorCode { _ = try await store.info(BlobKey("k")) } == .originTimedOut)
        opened.faults.fail(.info, with: refused)
        #expect(await errorCode { _ = try await store.info(BlobKey("k")) } == .originUnavailable)

        await fixture.stores.close()
        let health = try #require(try await fixture.metadata.backend(id)?.health)
        #expect(health.failure?.contains("AccessDenied") == true)
    }

    @Test func nobodyWaitsForAStoreThatIsOutOfReach() async throws {
        let fixture = Fixture(.init(pause: .seconds(3600), strikes: 2))
        let id = try await fixture.configure()
        let store = try await fixture.stores.store(for: id)
        let opened = try #require(fixture.opener.stores.last)
        let unreached = StorageError(.backendUnavailable, "", cause: ServiceFailure(.transport("connection refused")))
        func code() async -> StorageError.Code? { await errorCode { _ = try await store.info(BlobKey("k")) } }

        // One that got through in between ends the row.
        opened.faults.fail(.info, times: 1, with: unreached)
        #expect(await code() == .originUnavailable)
        #expect(await code() == .blobMissing)
        #expect(await errorCode { _ = try await fixture.stores.store(for: id) } == nil)
        opened.faults.fail(.info, with: unreached)
        for _ in 0..<2 { #expect(await code() == .originUnavailable) }

        while await fixture.stores.openCount > 0 { await Task.yield() }
        #expect(await errorCode { _ = try await fixture.stores.store(for: id) } == .originUnavailable)
        await fixture.stores.apply(.backend(id))
        #expect(await errorCode { _ = try await fixture.stores.store(for: id) } == nil)
        await fixture.stores.close()
    }

    @Test func aReadThatBreaksOffIsTheStoresFailure() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()
        let store = try await fixture.stores.store(for: id)
        _ = try await store.put(ByteStream(ByteBuffer(repeating: 1, count: 5000)), at: BlobKey("k"))
        try #require(fixture.opener.stores.last).faults.fail(.get, at: .midStream(afterBytes: 1000))

        let content = try await store.get(BlobKey("k"), range: nil)

        #expect(await errorCode { _ = try await content.stream().collected() } == .originUnavailable)
        await fixture.stores.close()
    }

    @Test func errorsOfTheBodyAreNotTheStores() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()
        let store = try await fixture.stores.store(for: id)
        let body = SampleData.stream(5000, chunkBytes: 100).failing(
            afterBytes: 1000, with: StorageError(.clientDisconnected, "gone"))

        #expect(await errorCode { _ = try await store.put(body, at: BlobKey("k")) } == .clientDisconnected)

        await fixture.stores.close()
        #expect(try await fixture.metadata.backend(id)?.health?.isHealthy == true)
    }

    @Test func credentialsOpenNothingElseThanTheirPlace() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()
        var row = try #require(try await fixture.metadata.backend(id))
        row.place = .s3(.init(bucket: "originals", endpoint: "https://evil.example"))
        let stolen = try await fixture.metadata.useBackend(row, of: BucketID(stored: "shop"), as: fixture.caller)

        #expect(stolen.place == row.place)
        #expect(await errorCode { _ = try await fixture.stores.store(for: stolen.id) } == .originUnavailable)
        await fixture.stores.close()
    }

    @Test func theRegistryFindsBothKindsOfStores() async throws {
        let fixture = Fixture()
        let id = try await fixture.configure()
        let registry = try BlobStoreRegistry(stores: [.managed: InMemoryBlobStore()], own: fixture.stores)

        #expect(await errorCode { _ = try await registry.store(for: .managed) } == nil)
        #expect(await errorCode { _ = try await registry.store(for: id) } == nil)
        #expect(await errorCode { _ = try await registry.store(for: BackendID("r2")) } == .backendUnavailable)
        await fixture.stores.close()
    }
}
