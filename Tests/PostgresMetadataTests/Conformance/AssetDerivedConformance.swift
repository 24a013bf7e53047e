// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// What becomes of derived assets whose source goes.
    @Suite struct DerivedAssets {
        @discardableResult
        private func addPoster(of source: Asset, _ fixture: StoreFixture) async throws -> Asset {
            try await fixture.addAsset { record in
                record.origin = Derivation(source: source.id, type: "poster")
                record.isThumbnail = true
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func areAskedToGoWhenTheirSourceIsDeleted(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let project = try await fixture.makeProject()
                let film = try await fixture.addAsset("film.mp4", facts: StoreFixture.video)
                try await addPoster(of: film, fixture)
                // Somebody may be making its poster at this moment.
                let bare = try await fixture.addAsset("bare.mp4", facts: StoreFixture.video)
                // It was a video once.
                let image = try await fixture.addAsset("image.png")
                try await addPoster(of: image, fixture)
                let plain = try await fixture.addAsset("plain.png")
                for asset in [film, bare, image, plain] {
                    _ = try await fixture.store.deleteObject(at: asset.address, as: fixture.service)
                }

                #expect(try await fixture.sourcesGone() == [film, bare, image].map(\.id.rawValue).sorted())
                // Until the job has run they are there, and known by what they were made of.
                let derived = try await fixture.store.derivedAssets(of: film.id, in: project, as: fixture.service)
                #expect(derived.map(\.origin?.type) == ["poster"])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func doNotAskForTheirOwn(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let film = try await fixture.addAsset("film.mp4", facts: StoreFixture.video)
                let poster = try await addPoster(of: film, fixture)
                _ = try await fixture.store.deleteObject(at: poster.address, as: fixture.service)
                #expect(try await fixture.sourcesGone() == [])
                #expect(try await fixture.asset(film.id.rawValue).thumbnailID == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func areMadeAgainWhereTheirSourceWent(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                try await fixture.makeProject("other")
                try await fixture.makeBucket("photos")
                let film = try await fixture.addAsset("film.mp4", facts: StoreFixture.video)
                try await addPoster(of: film, fixture)
                let second = try await fixture.addAsset("second.mp4", facts: StoreFixture.video)

                _ = try await fixture.store.moveObject(
                    from: film.address, to: fixture.address("film.mp4", in: "other"), as: fixture.service)
                _ = try await fixture.store.moveObject(
                    from: second.address, to: fixture.address("second.mp4", in: "photos"), as: fixture.service)

                #expect(try await fixture.sourcesGone() == [film, second].map(\.id.rawValue).sorted())
                let moved = try #require(try await fixture.asset(at: "film.mp4", in: "other"))
                #expect(moved.inspectedVersion == nil)
                #expect(try await fixture.inspections(in: "other") == [moved.id.rawValue])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func goWithARenamedSourceWithoutAnything(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                try await fixture.makeProject()
                let film = try await fixture.addAsset("film.mp4", facts: StoreFixture.video)
                try await addPoster(of: film, fixture)
                _ = try await fixture.store.moveObject(
                    from: film.address, to: fixture.address("b/film.mp4", in: "shop"), as: fixture.service)
                #expect(try await fixture.sourcesGone() == [])
                #expect(try await fixture.inspections() == [])
            }
        }
    }
}
