// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import MediaCore
import MediaTesting
import Testing

@testable import HTTPFrontends

@Suite struct StorageBodyTests {
    private static let s3 = [
        "provider": "s3", "bucket": "acme", "region": "eu-west-1", "accessKeyId": "AK", "secretAccessKey": "very secret",
        "pathPrefix": "media/",
    ]

    private static func configuration(_ json: String) throws -> BackendConfiguration {
        guard case .object(let fields) = try JSONDecoder().decode(RequestValue.self, from: Data(json.utf8)) else {
            throw PixaultProblem(.badRequest, "no object")
        }
        return try StorageBody(fields).configuration()
    }

    private static func configuration(_ fields: [String: String]) throws -> BackendConfiguration {
        try StorageBody(fields.mapValues { .string($0) }).configuration()
    }

    /// What is wrong with a body.
    private static func complaint(_ json: String) -> String? {
        do {
            _ = try configuration(json)
            return nil
        } catch let error as PixaultProblem {
            return error.detail
        } catch {
            return (error as? StorageError)?.message ?? "\(error)"
        }
    }

    private static let expected = BackendConfiguration.s3(
        BackendPlace.S3(bucket: "acme", region: "eu-west-1", pathPrefix: "media/"),
        .init(accessKeyID: "AK", secretAccessKey: "very secret"))

    @Test(arguments: ["s3", "S3", "AwsS3", "aws-s3", "AWS", "Amazon S3"])
    func amazonsServiceHasManyNames(provider: String) throws {
        var fields = Self.s3
        fields["provider"] = provider
        #expect(try Self.configuration(fields) == Self.expected)
    }

    @Test(arguments: ["S3Compatible", "s3-compatible", "MinIO", "CloudflareR2", "BackblazeB2"])
    func aCompatibleServiceHasAnEndpoint(provider: String) throws {
        var fields = Self.s3
        fields["provider"] = provider
        #expect(throws: PixaultProblem.self) { try Self.configuration(fields) }
        fields["serviceUrl"] = "https://s3.example.com"
        guard case .s3(let place, _) = try Self.configuration(fields) else {
            Issue.record("no S3 service")
            return
        }
        #expect(place.endpoint == "https://s3.example.com" && place.usesPathStyle)
    }

    @Test func everyFieldHasItsOtherNamesInAnyCase() throws {
        let body = """
            {"PROVIDER": "s3", "bucketName": "acme", "Region": "eu-west-1", "credentials": {"accessKey": "AK", "SecretKey": "very secret"},
            "prefix": "media/", "endpoint": null, "serviceUrl": "", "isByos": true, "healthy": true, "configuredAt": "x"}
            """
        #expect(try Self.configuration(body) == Self.expected)
    }

    @Test func whatCopyingLeavesAroundATextIsLetGo() throws {
        var fields = Self.s3
        fields["secretAccessKey"] = " very secret\n"
        #expect(try Self.configuration(fields) == Self.expected)
    }

    @Test(arguments: ["Azure", "azureblob", "AzureBlobStorage"])
    func aContainerIsNamedByItsConnectionString(provider: String) throws {
        let connection = "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"
        let found = try Self.configuration(["provider": provider, "containerName": "originals", "connectionString": connection])
        let place = BackendPlace.Azure(account: "acme", container: "originals", endpoint: "https://acme.blob.core.windows.net")
        #expect(found == .azure(place, .init(connectionString: connection)))
    }

    @Test(arguments: ["gcs", "GoogleCloud", "google-cloud-storage"])
    func aServiceAccountIsATextOrAnObject(provider: String) throws {
        let key = #"{"client_email":"a@b","private_key":"k"}"#
        let text = try JSONEncoder().encode(key)
        for value in [String(decoding: text, as: UTF8.self), key] {
            let found = try Self.configuration(#"{"provider":"\#(provider)","bucket":"acme","serviceAccountJson":\#(value)}"#)
            #expect(found == .gcs(BackendPlace.GCS(bucket: "acme"), .init(serviceAccount: key)))
        }
    }

    @Test(arguments: [
        (#"{}"#, "provider is missing"),
        (#"{"provider":"ftp"}"#, "provider must be one of s3, azure, gcs"),
        (#"{"provider":"managed"}"#, "provider must be one of s3, azure, gcs"),
        (#"{"provider":7}"#, "provider must be text"),
        (#"{"provider":"s3"}"#, "bucket is missing"),
        (#"{"provider":"s3","bucket":["a"]}"#, "bucket must be text"),
        (#"{"provider":"s3","bucket":"a","Bucketname":"b"}"#, "bucket is there twice"),
        (#"{"provider":"s3","bucket":"a","accessKeyId":"secret"}"#, "secretAccessKey is missing"),
        (
            #"{"provider":"s3","bucket":"a","forcePathStyle":"yes","accessKeyId":"k","secretAccessKey":"s"}"#,
            "forcePathStyle must be"
        ),
        (#"{"provider":"s3","connectionString":"secret"}"#, "connectionString is no field of s3 storage"),
        (#"{"provider":"gcs","region":"eu"}"#, "region is no field of gcs storage"),
        (#"{"provider":"azure","bucket":"a"}"#, "connectionString is missing"),
        (#"{"provider":"azure","bucket":"a","connectionString":"secret"}"#, "connectionString must name"),
        (#"{"provider":"gcs","bucket":"a","serviceAccountJson":{"a":{"b":"secret"}}}"#, "serviceAccountJson must be"),
        (#"{"provider":"s3","colour":"secret"}"#, "colour is no field of storage"),
        (#"{"provider":"s3","credentials":"secret"}"#, "credentials must be an object"),
        (#"{"provider":"s3","credentials":{"credentials":{}}}"#, "credentials is no field of storage"),
    ])
    func theFieldThatIsWrongIsNamed(body: String, complaint: String) throws {
        let said = try #require(Self.complaint(body))
        #expect(said.hasPrefix(complaint) && !said.contains("secret\"") && !said.hasSuffix("secret"))
    }

    @Test func noBodyIsAConfigurationThatRulesLetPassAndNoneIsRepeated() throws {
        var generator = SeededGenerator(seed: 6)
        let names = [
            "provider", "bucket", "container", "endpoint", "pathPrefix", "accessKeyId", "secretAccessKey", "credentials", "x",
        ]
        let secret = "c0ffee-secret"
        let values: [RequestValue] = [
            .string("s3"), .string("gcs"), .string("azure"), .string(secret), .string("../\(secret)"), .string("\u{0}\(secret)"),
            .string("http://\(secret)@host/"), .number(.infinity), .number(1), .bool(true), .null, .array([.string(secret)]),
            .object(["secretAccessKey": .string(secret)]), .object(["connectionString": .string("AccountKey=\(secret)")]),
        ]
        for _ in 0..<20_000 {
            var fields: [String: RequestValue] = [:]
            for _ in 0..<Int.random(in: 0...7, using: &generator) {
                fields[try #require(names.randomElement(using: &generator))] = values.randomElement(using: &generator)
            }
            do {
                let configuration = try StorageBody(fields).configuration().checked()
                #expect(!configuration.place.identity.contains("..") && !configuration.place.identity.contains("@"))
            } catch let error as PixaultProblem {
                #expect(!error.detail.contains(secret))
            } catch let error as StorageError {
                #expect(error.code == .invalidParameter && !error.message.contains(secret))
            }
        }
    }
}

@Suite struct MigrationCursorTests {
    @Test func aCursorIsReadAsItWasWritten() {
        let cursor = JobCursor(createdAt: Timestamp(microseconds: 1_795_000_000_123_456), id: JobID())
        #expect(MigrationCursor.read(MigrationCursor.text(cursor)) == cursor)
    }

    @Test(arguments: ["", "x", "AAAA", "MSAy", String(repeating: "A", count: 5000)])
    func otherTextsAreNone(text: String) { #expect(MigrationCursor.read(text) == nil) }

    @Test(arguments: [Int64.min, -1, 253_402_300_800_000_000, Int64.max])
    func noCursorLiesOutsideOfTime(microseconds: Int64) {
        let cursor = JobCursor(createdAt: Timestamp(microseconds: microseconds), id: JobID())
        #expect(MigrationCursor.read(MigrationCursor.text(cursor)) == nil)
    }
}
