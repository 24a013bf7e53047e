// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MediaCore

struct BackendRulesTests {
    private func s3(
        bucket: String = "acme-originals", region: String = "eu-west-1", endpoint: String? = nil, prefix: String = "",
        accessKey: String = "AKID", secret: String = "secret"
    ) -> BackendConfiguration {
        .s3(
            .init(bucket: bucket, region: region, endpoint: endpoint, pathPrefix: prefix),
            .init(accessKeyID: accessKey, secretAccessKey: secret))
    }

    private func field(_ configuration: BackendConfiguration) -> String? {
        do {
            _ = try configuration.checked()
            return nil
        } catch {
            return error.code == .invalidParameter ? error.resource : "\(error)"
        }
    }

    @Test(arguments: [("", ""), ("/", ""), ("media", "media/"), ("/a//b/", "a/b/"), ("A.b_c-1", "A.b_c-1/")])
    func aPrefixEndsInOneSlash(_ given: String, _ normal: String) throws {
        #expect(try s3(prefix: given).checked().place.pathPrefix == normal)
    }

    @Test func anEndpointHasOneForm() throws {
        let place = try s3(endpoint: "HTTPS://S3.Example.COM:443//").checked().place

        #expect(place.endpoint == "https://s3.example.com")
        #expect(try s3(endpoint: "https://s3.example.com").checked().place.identity == place.identity)
    }

    @Test func whatIsWrongIsNamedAndNotRepeated() throws {
        for bucket in [
            "", "ab", "a/b", "../x", "a..b", "-ab", "ab.", "A-B", "a b", "a\0b", "x@evil.example",
            String(repeating: "a", count: 64),
        ] {
            #expect(field(s3(bucket: bucket)) == "bucket", "\(bucket)")
        }
        for region in ["", "eu west", "x.evil.example/", "@", "EU"] {
            #expect(field(s3(region: region)) == "region", "\(region)")
        }
        for endpoint in [
            "", "s3.example.com", "ftp://s3.example.com", "https://user@s3.example.com", "https://user:pw@s3.example.com",
            "https://s3.example.com?x", "https://s3.example.com#x", "https://", "file:///etc/passwd", "javascript:alert(1)",
        ] { #expect(field(s3(endpoint: endpoint)) == "endpoint", "\(endpoint)") }
        for prefix in ["../x", "a/../b", ".", "a b", "a%2e", "ü", "a\\b", String(repeating: "a", count: 201)] {
            #expect(field(s3(prefix: prefix)) == "pathPrefix", "\(prefix)")
        }
        for secret in ["", "a\r\nHost: x", "ü", String(repeating: "a", count: 1025)] {
            #expect(field(s3(secret: secret)) == "secretAccessKey")
        }
        #expect(field(s3(accessKey: "a\nb")) == "accessKeyId")
        let error = #expect(throws: StorageError.self) { try s3(secret: "se\ncret").checked() }
        #expect(error.map { "\($0)".contains("se\ncret") } == false)
    }

    @Test func namesWithDotsStandInThePath() {
        #expect(BackendPlace.S3(bucket: "a.b").usesPathStyle && !BackendPlace.S3(bucket: "ab").usesPathStyle)
        #expect(BackendPlace.S3(bucket: "ab", endpoint: "https://s3.example.com").usesPathStyle)
    }

    @Test func theWayToAPlaceIsNotThePlace() {
        let place = BackendPlace.s3(.init(bucket: "b", region: "eu-west-1"))

        #expect(place.identity == BackendPlace.s3(.init(bucket: "b", region: "us-east-1", usesPathStyle: true)).identity)
        #expect(place.identity != BackendPlace.s3(.init(bucket: "b", endpoint: "https://s3.example.com")).identity)
        #expect(place.identity != BackendPlace.s3(.init(bucket: "b", pathPrefix: "x/")).identity)
    }

    @Test func aConnectionStringNamesAccountAndEndpoint() throws {
        let key = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=a2V5PT0=;EndpointSuffix=core.windows.net"
        let place = try BackendPlace.Azure(container: "originals", connectionString: key)
        #expect(place.account == "acme" && place.endpoint == "https://acme.blob.core.windows.net")

        let signed = "BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=sv=2024-11-04&sig=a%3D"
        #expect(try BackendPlace.Azure(container: "originals", connectionString: signed).account == "acme")

        for text in ["", "x", "AccountName=acme", "AccountKey=a2V5", "BlobEndpoint=https://a.example"] {
            #expect(throws: StorageError.self, "\(text)") {
                try BackendPlace.Azure(container: "originals", connectionString: text)
            }
        }
    }

    @Test func settingsOfEveryKindComeBackFromTheirText() throws {
        let places: [BackendPlace] = [
            .s3(.init(bucket: "b", region: "r", endpoint: "https://s3.example.com", pathPrefix: "p/")),
            .azure(.init(account: "a", container: "c", endpoint: "https://a.example", pathPrefix: "")),
            .gcs(.init(bucket: "b", endpoint: nil, pathPrefix: "p/")),
        ]
        for place in places { #expect(try BackendPlace(place.kind, settings: place.settings) == place) }
        #expect(throws: StorageError.self) { try BackendPlace(.s3, settings: .emptyObject) }
    }

    @Test func nothingThatDescribesAConfigurationSaysASecret() {
        let configurations: [BackendConfiguration] = [
            s3(accessKey: "ACCESSKEY", secret: "SECRET"),
            .azure(.init(account: "a", container: "c", endpoint: "https://a.example"), .init(connectionString: "SECRET")),
            .gcs(.init(bucket: "b"), .init(serviceAccount: "SECRET")),
        ]
        for configuration in configurations {
            var dumped = ""
            dump(configuration, to: &dumped)
            for text in ["\(configuration)", String(reflecting: configuration), dumped] {
                #expect(!text.contains("SECRET") && !text.contains("ACCESSKEY"), "\(text)")
            }
        }
    }
}
