// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Keys that are given out, and what becomes of them.
    @Suite struct FileTickets {
        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTicketIsReadAsItWasWritten(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                var ticket = fixture.fileTicket(of: fixture.alice, visibility: .shared)
                ticket.upload = UploadID()
                ticket.direct = .init(backend: BackendID("byos_1"), key: BlobKey("a/b"), version: ObjectVersion())
                try await fixture.store.createTicket(ticket, as: fixture.alice)

                #expect(try await fixture.store.ticket(at: ticket.address, as: fixture.alice) == ticket)
                #expect(try await fixture.store.ticket(at: ticket.address, facts: fixture.facts) == ticket)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTicketIsFoundByTheIdOfItsFileToBe(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let ticket = try await fixture.issue(to: fixture.alice)

                for caller in [fixture.alice, fixture.key(of: "shop")] {
                    #expect(try await fixture.store.ticket(ticket.id, in: fixture.shop, as: caller).address == ticket.address)
                }
                let hidden = await failure {
                    try await fixture.store.ticket(ticket.id, in: fixture.shop, as: fixture.bob)
                }
                #expect(hidden?.code == .accessDenied)
                for (id, project) in [(FileID(), fixture.shop), (ticket.id, BucketID(stored: "other"))] {
                    let missing = await failure { try await fixture.store.ticket(id, in: project, as: fixture.alice) }
                    #expect(missing?.code == .objectNotFound)
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTicketIsItsHoldersAndTheProjects(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let ticket = try await fixture.issue(to: fixture.alice)

                for caller in [fixture.bob, fixture.anon, fixture.key(of: "other")] {
                    let error = await failure { try await fixture.store.ticket(at: ticket.address, as: caller) }
                    #expect(error?.code == .accessDenied)
                }
                #expect(try await fixture.store.ticket(at: ticket.address, as: fixture.key(of: "shop")).id == ticket.id)
                let missing = await failure {
                    try await fixture.store.ticket(at: fixture.address("images/none", in: "shop"), as: fixture.alice)
                }
                #expect(missing?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func nobodyMakesATicketForSomebodyElse(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let ticket = fixture.fileTicket(of: fixture.alice)

                for caller in [fixture.bob, fixture.anon, fixture.key(of: "other"), fixture.key(of: "shop")] {
                    let error = await failure { try await fixture.store.createTicket(ticket, as: caller) }
                    #expect(error?.code == .accessDenied, "\(caller.principal.role)")
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyThatIsTakenIsNotGivenOut(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let ticket = fixture.fileTicket(of: fixture.alice)
                try await fixture.put(ticket.address.key.rawValue, in: "shop", owner: StoreFixture.bob)
                let taken = await failure { try await fixture.store.createTicket(ticket, as: fixture.alice) }
                #expect(taken?.code == .objectExists)

                let second = try await fixture.issue(to: fixture.alice)
                let again = await failure { try await fixture.store.createTicket(second, as: fixture.alice) }
                #expect(again?.code == .objectExists)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func whereThereIsNoProjectNoKeyIsGivenOut(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeBucket("shop")
                let error = await failure { try await fixture.issue(to: fixture.alice) }
                #expect(error?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aTicketIsRegisteredOnceByItsHolder(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let (ticket, object) = try await fixture.upload(as: fixture.alice)
                let draft = fixture.fileDraft(ticket, object, visibility: .protected)

                let foreign = await failure { try await fixture.store.registerFile(draft, as: fixture.bob) }
                #expect(foreign?.code == .accessDenied)
                let file = try await fixture.store.registerFile(draft, as: fixture.alice)
                #expect(file.id == ticket.id)
                #expect(file.object == object.id)
                #expect(file.size == 3)
                #expect(file.owner == FileOwner(kind: .user, subject: StoreFixture.alice))
                #expect(try await fixture.store.file(file.id, in: fixture.shop, as: fixture.alice) == file)
                let again = await failure { try await fixture.store.registerFile(draft, as: fixture.alice) }
                #expect(again?.code == .objectExists)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func onlyTheBytesThatWereLookedAtAreRegistered(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let (ticket, object) = try await fixture.upload(as: fixture.alice)
                try await fixture.put(ticket.address.key.rawValue, in: "shop", owner: StoreFixture.alice)

                let error = await failure {
                    try await fixture.store.registerFile(fixture.fileDraft(ticket, object), as: fixture.alice)
                }
                #expect(error?.code == .preconditionFailed)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aKeyWithoutBytesIsNotRegistered(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let (_, object) = try await fixture.upload(as: fixture.alice)
                let ticket = try await fixture.issue(to: fixture.alice)

                let error = await failure {
                    try await fixture.store.registerFile(fixture.fileDraft(ticket, object), as: fixture.alice)
                }
                #expect(error?.code == .objectNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func anUnregisteredTicketIsDroppedWithItsObject(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let (ticket, object) = try await fixture.upload(as: fixture.alice)
                let file = try await fixture.addFile(of: fixture.alice)

                let soon = Timestamp.now().adding(seconds: 60)
                #expect(try await fixture.store.unregisteredTickets(issuedBefore: soon, limit: 9).map(\.id) == [ticket.id])
                #expect(try await fixture.store.unregisteredTickets(issuedBefore: ticket.issuedAt, limit: 9) == [])
                #expect(try await fixture.store.dropTicket(file.id) == false)
                #expect(try await fixture.store.dropTicket(ticket.id))
                #expect(try await fixture.store.dropTicket(ticket.id) == false)
                let gone = await failure {
                    try await fixture.store.object(at: ticket.address, access: .policy(fixture.service))
                }
                #expect(gone?.code == .objectNotFound)
                let deletions = try await fixture.store.takeBlobDeletions(limit: 9)
                #expect(deletions.map(\.version) == [object.version])
                #expect(try await fixture.store.file(file.id, in: fixture.shop, as: fixture.alice).id == file.id)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func spentTicketsAreForgottenAndTheirFilesStay(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let open = try await fixture.issue(to: fixture.alice)
                let file = try await fixture.addFile(of: fixture.alice)

                #expect(try await fixture.store.forgetTickets(issuedBefore: .now().adding(seconds: 60)) == 1)
                #expect(try await fixture.store.ticket(at: file.address, facts: fixture.facts) == nil)
                #expect(try await fixture.store.ticket(at: open.address, facts: fixture.facts) != nil)
                #expect(try await fixture.fileNames() == ["cat.png"])
            }
        }
    }
}
