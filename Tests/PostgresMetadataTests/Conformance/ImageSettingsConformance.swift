// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import NIOCore
import Testing

@testable import PostgresMetadata

extension MetadataStoreConformance {
    /// Presets, watermarks, plugins, and the secret of originals.
    @Suite struct Images {
        private static let full: NamedTransform = {
            var transform = Transform()
            transform.width = 320
            transform.height = 240
            transform.fit = .pad
            transform.quality = 78
            transform.blur = FixedPoint(thousandths: 1500)
            let mark = TransformRequest.WatermarkChoice(id: "logo", position: .tile, opacity: 0)
            let calls = [
                TransformRequest.PluginCall(.filterPack, value: "sepia"), TransformRequest.PluginCall(.filterPack, value: "cool"),
                TransformRequest.PluginCall(.smartCrop, value: ""),
            ]
            return NamedTransform(
                name: "card", request: TransformRequest(transform, watermark: mark, plugins: calls),
                lockedParameters: Set(NamedTransform.Parameter.allCases), lockedPlugins: [.filterPack, .draw])
        }()

        private static func picture(_ id: String = "logo", digest: String = "0a", size: Int = 3) -> WatermarkPicture {
            WatermarkPicture(
                id: id, digest: digest, mediaType: "image/png", size: size,
                updatedAt: Timestamp(microseconds: 1_700_000_000_000_001))
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aBucketNobodyConfiguredHasNothing(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                #expect(try await fixture.store.imageSettings(bucket, facts: fixture.facts) == .none)
                #expect(try await fixture.store.originalsSecret(of: bucket, facts: fixture.facts) == nil)
                let missing = await failure {
                    try await fixture.store.imageSettings(BucketID(stored: "none"), facts: fixture.facts)
                }
                #expect(missing?.code == .bucketNotFound)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aPresetIsKeptReplacedAndDeleted(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let other = NamedTransform(name: "plain", request: TransformRequest())
                func presets() async throws -> [String: NamedTransform] {
                    try await fixture.store.imageSettings(bucket, facts: fixture.facts).presets
                }

                try await fixture.store.putPreset(Self.full, in: bucket, as: fixture.service)
                try await fixture.store.putPreset(other, in: bucket, as: fixture.service)
                #expect(try await presets() == ["card": Self.full, "plain": other])
                let replaced = NamedTransform(name: "card", request: TransformRequest())
                try await fixture.store.putPreset(replaced, in: bucket, as: fixture.service)
                #expect(try await presets() == ["card": replaced, "plain": other])
                #expect(try await fixture.store.deletePreset("card", in: bucket, as: fixture.service))
                #expect(try await !fixture.store.deletePreset("card", in: bucket, as: fixture.service))
                #expect(try await presets() == ["plain": other])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func aWatermarkIsReadByItsDigest(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                let bytes = ByteBuffer(bytes: (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                func put(_ picture: WatermarkPicture, _ body: ByteBuffer) async throws -> Bool {
                    try await fixture.store.putWatermark(picture, body: body, in: bucket, as: fixture.service)
                }
                func read(_ digest: String) async throws -> ByteBuffer? {
                    try await fixture.store.watermark("logo", digest: digest, in: bucket, facts: fixture.facts)
                }

                #expect(try await put(Self.picture(size: 100_000), bytes))
                #expect(try await put(Self.picture("other"), ByteBuffer(string: "abc")))
                #expect(try await read("0a") == bytes)
                #expect(try await read("0b") == nil)
                #expect(try await !put(Self.picture(digest: "0b"), ByteBuffer(string: "new")))
                #expect(try await read("0a") == nil)
                #expect(try await read("0b") == ByteBuffer(string: "new"))
                let settings = try await fixture.store.imageSettings(bucket, facts: fixture.facts)
                #expect(settings.watermarks == ["logo": Self.picture(digest: "0b"), "other": Self.picture("other")])

                #expect(try await fixture.store.deleteWatermark("logo", in: bucket, as: fixture.service))
                #expect(try await !fixture.store.deleteWatermark("logo", in: bucket, as: fixture.service))
                #expect(try await read("0b") == nil)
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func pluginsAreSwitchedOnAndOff(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                for plugin in [Plugin.draw, .draw, .filterPack] {
                    try await fixture.store.setPlugin(plugin, isActive: true, in: bucket, as: fixture.service)
                }
                #expect(try await fixture.store.imageSettings(bucket, facts: fixture.facts).plugins == [.draw, .filterPack])
                for plugin in [Plugin.draw, .draw, .smartCrop] {
                    try await fixture.store.setPlugin(plugin, isActive: false, in: bucket, as: fixture.service)
                }
                #expect(try await fixture.store.imageSettings(bucket, facts: fixture.facts).plugins == [.filterPack])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func theSecretOfOriginalsIsReplacedAndRemoved(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let bucket = try await fixture.makeBucket()
                for secret in [[0, 255, 10], [1], nil, nil] as [[UInt8]?] {
                    try await fixture.store.setOriginalsSecret(secret, in: bucket, as: fixture.service)
                    #expect(try await fixture.store.originalsSecret(of: bucket, facts: fixture.facts) == secret)
                    let settings = try await fixture.store.imageSettings(bucket, facts: fixture.facts)
                    #expect(settings.signsOriginals == (secret != nil))
                }
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func imagesAreConfiguredByWhoMayUpdateTheBucket(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (store, caller) = (fixture.store, fixture.alice)
                try await fixture.makeBucket()
                func failures(in name: String = "photos") async -> Set<StorageError.Code?> {
                    let id = BucketID(stored: name)
                    let body = ByteBuffer(string: "abc")
                    return [
                        await failure { try await store.putPreset(Self.full, in: id, as: caller) }?.code,
                        await failure { try await store.deletePreset("card", in: id, as: caller) }?.code,
                        await failure { try await store.putWatermark(Self.picture(), body: body, in: id, as: caller) }?.code,
                        await failure { try await store.deleteWatermark("logo", in: id, as: caller) }?.code,
                        await failure { try await store.setPlugin(.draw, isActive: true, in: id, as: caller) }?.code,
                        await failure { try await store.setOriginalsSecret([1], in: id, as: caller) }?.code,
                    ]
                }

                #expect(await failures() == [.bucketNotFound])
                try await fixture.allow([.select], on: .buckets)
                #expect(await failures() == [.accessDenied])
                #expect(try await store.imageSettings(BucketID(stored: "photos"), facts: fixture.facts) == .none)
                try await fixture.allow([.update], on: .buckets)
                #expect(await failures() == [nil])
                #expect(await failures(in: "none") == [.bucketNotFound])
            }
        }

        @Test(arguments: MetadataStoreUnderTest.allCases)
        func settingsOfImagesGoWithTheirBucket(_ kind: MetadataStoreUnderTest) async throws {
            try await kind.withStore { fixture in
                let (store, service) = (fixture.store, fixture.service)
                let bucket = try await fixture.makeBucket()
                try await store.putPreset(Self.full, in: bucket, as: service)
                _ = try await store.putWatermark(Self.picture(), body: ByteBuffer(string: "abc"), in: bucket, as: service)
                try await store.setPlugin(.draw, isActive: true, in: bucket, as: service)
                try await store.setOriginalsSecret([1], in: bucket, as: service)
                try await store.deleteBucket(bucket, as: service)
                try await fixture.makeBucket()
                #expect(try await store.imageSettings(bucket, facts: fixture.facts) == .none)
                #expect(try await store.originalsSecret(of: bucket, facts: fixture.facts) == nil)
            }
        }

        @Test func nobodyElseReadsTheTables() async throws {
            try await MetadataStoreUnderTest.postgres.withStore { fixture in
                try await fixture.onPostgres { store in
                    let tables = ["presets", "watermarks", "plugins", "originals_signing"]
                    let allowed = SQL(
                        "test_image_rights",
                        """
                        SELECT count(*)
                        FROM unnest($1::text[]) AS t, unnest(ARRAY['anon', 'authenticated']) AS r
                        WHERE has_table_privilege(r, 'magpie.' || t, 'SELECT, INSERT, UPDATE, DELETE')
                        """)
                    let rows = try await store.administrator.transaction(
                        [.run(allowed, Parameter.strings(tables))], ending: .rollback)
                    #expect(try rows[0].onlyRow().int(0) == 0)
                }
            }
        }
    }
}
