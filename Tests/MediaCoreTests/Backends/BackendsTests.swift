// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing

@testable import MediaCore

/// Configuring, trying and leaving a project's own store.
struct BackendsTests {
    private static let project = OwnStorageFixture.project

    @Test func aTrialLeavesNothing() async throws {
        let fixture = try await OwnStorageFixture()

        let trial = try await fixture.backends.validate(
            OwnStorageFixture.configuration, of: Self.project, as: fixture.service)

        #expect(trial.failure == nil && fixture.own.count == 0)
        #expect(try await fixture.backends.current(of: Self.project, as: fixture.service) == nil)
        #expect(try await fixture.metadata.backends(of: nil).isEmpty)
    }

    @Test(
        arguments: [
            (FaultyBlobStore.Call.put, BackendTrial.Stage.write), (.get, .read), (.delete, .delete),
        ])
    func whatFailsIsSaidAndNothingIsKept(_ call: FaultyBlobStore.Call, _ stage: BackendTrial.Stage) async throws {
        let fixture = try await OwnStorageFixture()
        let cause = StorageError(.accessDenied, "403 AccessDenied")
        fixture.faults.fail(call, with: StorageError(.backendUnavailable, "", cause: cause))

        let (backend, trial) = try await fixture.backends.configure(
            OwnStorageFixture.configuration, of: Self.project, as: fixture.service)

        #expect(backend == nil && trial.failure?.stage == stage)
        #expect(trial.failure?.message.contains("403 AccessDenied") == true)
        #expect(try await fixture.metadata.backends(of: nil).isEmpty)
        #expect(fixture.own.count == (call == .delete ? 1 : 0))
    }

    @Test func otherBytesThanWereWrittenAreNoStore() async throws {
        let fixture = try await OwnStorageFixture()
        fixture.faults.fail(.get, at: .midStream(afterBytes: 5), with: StorageError(.backendUnavailable, "cut"))

        let trial = try await fixture.backends.validate(
            OwnStorageFixture.configuration, of: Self.project, as: fixture.service)

        #expect(trial.failure?.stage == .read && fixture.own.count == 0)
    }

    @Test func onlyPlansThatHaveItMayConfigureAStore() async throws {
        let fixture = try await OwnStorageFixture(plan: .growth)

        for configure in [false, true] {
            let code = await errorCode {
                if configure {
                    _ = try await fixture.backends.configure(
                        OwnStorageFixture.configuration, of: Self.project, as: fixture.service)
                } else {
                    _ = try await fixture.backends.validate(
                        OwnStorageFixture.configuration, of: Self.project, as: fixture.service)
                }
            }
            #expect(code == .accessDenied)
        }
        #expect(fixture.faults.count(of: .put) == 0)
        // What was configured under another plan can be seen and left.
        #expect(try await fixture.backends.current(of: Self.project, as: fixture.service) == nil)
    }

    @Test func whoMayNotChangeTheProjectLearnsNothing() async throws {
        let fixture = try await OwnStorageFixture()
        try await fixture.configure()
        let stranger = CoreFixture.caller()

        let codes = [
            await errorCode { _ = try await fixture.backends.current(of: Self.project, as: stranger) },
            await errorCode { _ = try await fixture.backends.all(of: Self.project, as: stranger) },
            await errorCode {
                _ = try await fixture.backends.validate(OwnStorageFixture.configuration, of: Self.project, as: stranger)
            },
            await errorCode { _ = try await fixture.backends.remove(of: Self.project, as: stranger) },
            await errorCode { _ = try await fixture.backends.health(of: Self.project, as: stranger) },
        ]

        #expect(codes.allSatisfy { $0 == .bucketNotFound })
    }

    @Test func aBucketThatIsNoProjectHasNoStore() async throws {
        let fixture = try await OwnStorageFixture()
        let id = BucketID(stored: "plain")
        _ = try await fixture.storage.buckets.create(Bucket(id: id, name: "plain"), as: fixture.service)

        #expect(
            await errorCode {
                _ = try await fixture.backends.configure(OwnStorageFixture.configuration, of: id, as: fixture.service)
            } == .bucketNotFound)
    }

    @Test func credentialsAreSealedAndCanBeChanged() async throws {
        let fixture = try await OwnStorageFixture()
        let first = try await fixture.configure()
        let changed = BackendConfiguration.s3(OwnStorageFixture.place, .init(accessKeyID: "b", secretAccessKey: "t"))

        let second = try await fixture.configure(changed)

        #expect(first == second)
        let vault = BackendVault(metadata: fixture.metadata, masterKey: [UInt8](repeating: 7, count: 32))
        let (opened, revision) = try await vault.configuration(of: first)
        #expect(opened == changed && revision == 2)
        let other = BackendVault(metadata: fixture.metadata, masterKey: [UInt8](repeating: 8, count: 32))
        #expect(await errorCode { _ = try await other.configuration(of: first) } == .notConfigured)
    }

    @Test func aStoreThatIsLeftIsStillReadUntilItsCredentialsAreForgotten() async throws {
        let fixture = try await OwnStorageFixture()
        let id = try await fixture.configure()
        try await fixture.put("x", at: "a")

        #expect(try await fixture.backends.remove(of: Self.project, as: fixture.service))
        try await fixture.put("y", at: "b")

        #expect(try await fixture.read("a") == "x")
        #expect(try await fixture.location(of: "b")?.backend == .managed)
        #expect(try await !fixture.backends.remove(of: Self.project, forgetsCredentials: true, as: fixture.service))
        #expect(try await fixture.metadata.backend(id)?.sealedCredentials == nil)
        #expect(try await fixture.configure() == id)
    }

    @Test func healthIsAskedAndTakenDown() async throws {
        let fixture = try await OwnStorageFixture()
        #expect(
            await errorCode { _ = try await fixture.backends.health(of: Self.project, as: fixture.service) } == .notConfigured)
        try await fixture.configure()

        #expect(try await fixture.backends.health(of: Self.project, as: fixture.service).health.isHealthy)
        fixture.faults.fail(.put, with: StorageError(.backendUnavailable, "no bucket"))
        let (health, trial) = try await fixture.backends.health(of: Self.project, as: fixture.service)

        #expect(!health.isHealthy && trial.failure?.stage == .write)
        #expect(try await fixture.backends.current(of: Self.project, as: fixture.service)?.health == health)
    }
}
