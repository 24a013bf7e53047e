// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

/// A row of the matrix: always-true policies of `authenticated`, and what each write then does.
struct PolicyMatrixRow: Sendable, CustomTestStringConvertible {
    enum Outcome: Equatable, Sendable {
        case done, exists, notFound
        case refused(PolicyRefusal.Command)
    }

    var commands: Set<PolicyRefusal.Command>
    var insertNew: Outcome
    var insertExisting: Outcome
    var upsertNew: Outcome
    var upsertExisting: Outcome
    var move: Outcome
    var delete: Outcome

    var testDescription: String { commands.map(\.rawValue).sorted().joined(separator: "+") }

    static let all = [
        row([], .refused(.insert), .refused(.insert), .refused(.insert), .refused(.insert), .notFound, .refused(.delete)),
        row([.insert], .done, .exists, .refused(.select), .refused(.select), .notFound, .refused(.delete)),
        row([.insert, .select], .done, .exists, .done, .refused(.update), .notFound, .refused(.delete)),
        row([.insert, .update], .done, .exists, .refused(.select), .refused(.select), .notFound, .refused(.delete)),
        row([.insert, .select, .update], .done, .exists, .done, .done, .done, .refused(.delete)),
        row(
            [.select, .update], .refused(.insert), .refused(.insert), .refused(.insert), .refused(.insert), .done,
            .refused(.delete)),
        row([.update], .refused(.insert), .refused(.insert), .refused(.insert), .refused(.insert), .notFound, .refused(.delete)),
        row([.delete], .refused(.insert), .refused(.insert), .refused(.insert), .refused(.insert), .notFound, .refused(.select)),
        row([.delete, .select], .refused(.insert), .refused(.insert), .refused(.insert), .refused(.insert), .notFound, .done),
    ]

    // Six outcomes in the order of the columns read better than six labels nine times.
    private static func row(
        _ commands: Set<PolicyRefusal.Command>, _ insertNew: Outcome, _ insertExisting: Outcome, _ upsertNew: Outcome,
        _ upsertExisting: Outcome, _ move: Outcome, _ delete: Outcome
    ) -> PolicyMatrixRow {
        PolicyMatrixRow(
            commands: commands, insertNew: insertNew, insertExisting: insertExisting, upsertNew: upsertNew,
            upsertExisting: upsertExisting, move: move, delete: delete)
    }

    static func outcome(_ body: () async throws -> Void) async throws -> Outcome? {
        do {
            try await body()
            return .done
        } catch let error as StorageError {
            switch error.code {
            case .objectExists: return .exists
            case .objectNotFound: return .notFound
            case .accessDenied: return error.refusal.map { .refused($0.command) }
            default: throw error
            }
        }
    }
}

extension MetadataStoreConformance {
    @Suite struct PolicyMatrix {
        @Test(arguments: MetadataStoreUnderTest.allCases, PolicyMatrixRow.all)
        func eachWriteNeedsItsCommands(_ kind: MetadataStoreUnderTest, _ row: PolicyMatrixRow) async throws {
            try await kind.withStore { fixture in
                let store = fixture.store
                let alice = fixture.alice
                try await fixture.makeBucket()
                try await fixture.put("old")
                try await fixture.allow(row.commands)
                func check(_ key: String, _ mode: PutMode) async throws -> PolicyMatrixRow.Outcome? {
                    try await PolicyMatrixRow.outcome { try await store.checkPut(fixture.draft(key), mode: mode, as: alice) }
                }

                #expect(try await check("new", .create) == row.insertNew)
                #expect(try await check("old", .create) == row.insertExisting)
                #expect(try await check("new", .replace) == row.upsertNew)
                #expect(try await check("old", .replace) == row.upsertExisting)
                let move = try await PolicyMatrixRow.outcome {
                    _ = try await store.moveObject(from: fixture.address("old"), to: fixture.address("moved"), as: alice)
                }
                #expect(move == row.move)
                let left = fixture.address(row.move == .done ? "moved" : "old")
                let delete = try await PolicyMatrixRow.outcome { _ = try await store.deleteObject(at: left, as: alice) }
                #expect(delete == row.delete)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases, [PutMode.create, .replace])
        func aPolicyOnTheOwnerIsAskedOfTheDraft(_ kind: MetadataStoreUnderTest, _ mode: PutMode) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert, .select, .update], where: .ownerIsCaller)

                try await fixture.store.checkPut(fixture.draft("a", owner: StoreFixture.alice), mode: mode, as: fixture.alice)

                let draft = fixture.draft("a", owner: StoreFixture.bob)
                let error = await failure { try await fixture.store.checkPut(draft, mode: mode, as: fixture.alice) }
                #expect(error?.refusal?.command == .insert)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func somebodyElsesObjectIsNotReplaced(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.put("a", owner: StoreFixture.bob)
                try await fixture.allow([.insert, .select])
                try await fixture.allow([.update], where: .ownerIsCaller)
                let draft = fixture.draft("a", owner: StoreFixture.alice)

                let error = await failure { try await fixture.store.checkPut(draft, mode: .replace, as: fixture.alice) }

                #expect(error?.message == "new row violates row-level security policy" && error?.refusal?.command == .update)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPolicyMayLookAtTheMediaType(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert], where: .mimetypeStartsWith("image/"))

                try await fixture.store.checkPut(
                    fixture.draft("a", metadata: #"{"mimetype":"image/png","contentLength":5}"#), mode: .create, as: fixture.alice
                )
                for metadata in [#"{"mimetype":"text/html","contentLength":5}"#, nil] {
                    let draft = fixture.draft("a", metadata: metadata)
                    let error = await failure { try await fixture.store.checkPut(draft, mode: .create, as: fixture.alice) }
                    #expect(error?.refusal?.command == .insert)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPolicyMayLookAtTheAnnouncedLength(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert], where: .contentLengthAtMost(100))
                func code(_ length: Int) async -> StorageError.Code? {
                    let draft = fixture.draft("a", metadata: #"{"mimetype":"a/b","contentLength":\#(length)}"#)
                    return await failure { try await fixture.store.checkPut(draft, mode: .create, as: fixture.alice) }?.code
                }

                #expect(await code(100) == nil)
                #expect(await code(101) == .accessDenied)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPolicyMayLookAtTheUserMetadata(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert], where: .userMetadata("department", equals: "hr"))
                func code(_ department: String) async -> StorageError.Code? {
                    let draft = fixture.draft("a", userMetadata: #"{"department":"\#(department)"}"#)
                    return await failure { try await fixture.store.checkPut(draft, mode: .create, as: fixture.alice) }?.code
                }

                #expect(await code("hr") == nil)
                #expect(await code("it") == .accessDenied)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPolicyOfOneRoleHelpsNoOther(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket()
                try await fixture.allow([.insert])

                let error = await failure {
                    try await fixture.store.checkPut(fixture.draft("a"), mode: .create, as: fixture.anon)
                }

                #expect(error?.refusal == PolicyRefusal(role: "anon", command: .insert, table: "storage.objects"))
            }
        }
    }
}
