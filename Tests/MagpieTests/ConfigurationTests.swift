// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import MediaCore
import NIOCore
import Testing

@testable import magpie

@Suite struct ConfigurationTests {
    @Test func everySettingHasASafeDefault() async throws {
        let configuration = try await configuration()
        #expect(configuration.url == "http://127.0.0.1:5000")
        #expect(configuration.dataDirectory == FileManager.default.currentDirectoryPath + "/data")
        #expect(configuration.limits.upload == 5 << 30)
        #expect(configuration.limits.objectsToEmpty == 200_000)
        #expect(configuration.durability == .fsync)
        #expect(configuration.databaseURL == nil)
        #expect(configuration.limits.databasePool == nil)
        #expect(configuration.limits.signedUploadExpiry == .seconds(7200))
        #expect(configuration.corsOrigins == nil)
        #expect(configuration.limits.sweepInterval == .seconds(21600))
        #expect(configuration.images?.cache == 2 << 30)
        #expect(configuration.images?.workers == nil)
        #expect(configuration.images?.variants.queue == 64)
        #expect(configuration.images?.variants.timeout == .seconds(15))
        #expect(configuration.images?.variants.limits == ImageLimits())
        #expect(configuration.images?.variants.offersJXL == false)
        #expect(configuration.images?.variants.deliveriesPerSecond == 0)
        #expect(configuration.limits.multipartExpiry == .seconds(7 * 86_400))
        #expect(configuration.logLevel == .info)
        #expect(configuration.warnings.isEmpty)
    }

    @Test(arguments: [
        ("MAGPIE_PORT", "65536"), ("MAGPIE_PORT", "http"), ("MAGPIE_PUBLIC_URL", "media.example.com"),
        ("MAGPIE_PUBLIC_URL", "https://x.example/?a=1"), ("MAGPIE_DATABASE_POOL", "0"), ("MAGPIE_DATABASE_WAIT", "soon"),
        ("MAGPIE_JWT_SECRET", "short"), ("MAGPIE_JWT_ALGORITHM", "none"), ("MAGPIE_S3_ACCESS_KEY", "a"),
        ("MAGPIE_S3_SECRET_KEY", "a"),
        ("MAGPIE_MASTER_KEY", "bm90IDMyIGJ5dGVz"), ("MAGPIE_UPLOAD_LIMIT", "big"), ("MAGPIE_DURABILITY", "maybe"),
        ("MAGPIE_TLS_CERTIFICATE", "cert.pem"), ("MAGPIE_TLS_KEY", "key.pem"), ("MAGPIE_LOG_LEVEL", "loud"),
        ("MAGPIE_CORS_ORIGINS", "https://ok.example,example.com"), ("MAGPIE_CORS_ORIGINS", "https://ok.example/path"),
        ("MAGPIE_SIGNED_UPLOAD_EXPIRY", "0"), ("MAGPIE_EMPTY_BUCKET_MAX", "-1"), ("MAGPIE_JSON_LIMIT", "one"),
        ("MAGPIE_USER_METADATA_LIMIT", "1PB"), ("MAGPIE_HEADER_LIMIT", "-1"), ("MAGPIE_TARGET_LIMIT", "long"),
        ("MAGPIE_MAX_CONNECTIONS", "0"), ("MAGPIE_IDLE_TIMEOUT", "0s"), ("MAGPIE_HEADER_TIMEOUT", "x"),
        ("MAGPIE_BODY_TIMEOUT", "1 year"), ("MAGPIE_MIN_BODY_RATE", "slow"), ("MAGPIE_SEND_TIMEOUT", "-1"),
        ("MAGPIE_SHUTDOWN_TIMEOUT", "never"), ("MAGPIE_CACHE_SIZE", "-1MB"), ("MAGPIE_CACHED_OBJECT_LIMIT", "2XB"),
        ("MAGPIE_IMAGES", "maybe"), ("MAGPIE_VARIANT_CACHE", "-1"), ("MAGPIE_RENDER_WORKERS", "0"),
        ("MAGPIE_RENDER_QUEUE", "-1"), ("MAGPIE_RENDER_TIMEOUT", "0"), ("MAGPIE_IMAGE_SOURCE_LIMIT", "2GiB"),
        ("MAGPIE_IMAGE_PIXELS", "many"), ("MAGPIE_IMAGE_FRAMES", "0"), ("MAGPIE_IMAGE_RESULT_SIDE", "16384"),
        ("MAGPIE_CONVERT", "1"), ("MAGPIE_SANDBOX", "maybe"), ("MAGPIE_CONVERT_TOOLS", "0"), ("MAGPIE_CONVERT_TIMEOUT", "10ms"),
        ("MAGPIE_CONVERT_MEMORY", "1KiB"), ("MAGPIE_CONVERT_OUTPUT", "-1"), ("MAGPIE_CONVERT_PIXELS", "9"),
        ("MAGPIE_CONVERT_PAGES", "0"), ("MAGPIE_IMAGE_AVIF_PIXELS", "-1"), ("MAGPIE_IMAGE_SLOW_PIXELS", "0"),
        ("MAGPIE_IMAGE_JXL", "yes"),
        ("MAGPIE_DELIVERY_RATE", "-1"),
        ("MAGPIE_RESPONSE_S_MAXAGE", "31536001"), ("MAGPIE_SWEEP_INTERVAL", "0"), ("MAGPIE_ORPHAN_AGE", "-1s"),
        ("MAGPIE_ORPHAN_AGE", "999ms"), ("MAGPIE_ORPHAN_AGE", "599s"), ("MAGPIE_ORPHAN_AGE", "36501d"),
        ("MAGPIE_WEBHOOK_TIMEOUT", "301s"), ("MAGPIE_WEBHOOK_RETRY", "999ms"), ("MAGPIE_WEBHOOK_RETRY", "2h"),
        ("MAGPIE_MULTIPART_EXPIRY", "1ms"), ("MAGPIE_MULTIPART_EXPIRY", "never"), ("MAGPIE_MULTIPART_EXPIRY", "36501d"),
        ("MAGPIE_IDLE_TIMEOUT", "200000d"), ("MAGPIE_JWT_SECRET", "31 bytes are one too few, truly"),
    ])
    func anErrorNamesItsVariable(name: String, value: String) async throws {
        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration([name: value]) }
        #expect(error?.description.contains(name) == true)
    }

    @Test func aBlobIsNoOrphanWhileItsRowMayStillBeWritten() async throws {
        #expect(try await configuration(["MAGPIE_ORPHAN_AGE": "10m"]).limits.orphanAge == .seconds(600))
    }

    @Test(arguments: ["0", "0s", "0d"])
    func uploadsInPartsMayBeKeptForEver(value: String) async throws {
        #expect(try await configuration(["MAGPIE_MULTIPART_EXPIRY": value]).limits.multipartExpiry == nil)
    }

    @Test(arguments: [("HS256", 32), ("HS384", 48), ("HS512", 64)])
    func aSecretIsAsLongAsTheDigestOfItsAlgorithm(algorithm: String, length: Int) async throws {
        func environment(_ count: Int) -> [String: String] {
            ["MAGPIE_JWT_ALGORITHM": algorithm, "MAGPIE_JWT_SECRET": String(repeating: "s", count: count)]
        }

        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration(environment(length - 1)) }
        let given = try await configuration(environment(length))

        #expect(error?.description == "MAGPIE_JWT_SECRET must have at least \(length) bytes for \(algorithm)")
        _ = try await KeyRing(secret: try #require(given.givenSecrets.jwtSecret), algorithm: given.jwtAlgorithm)
    }

    @Test(arguments: ["MAGPIE_JWT_SECRET", "MAGPIE_MASTER_KEY", "MAGPIE_S3_SECRET_KEY"])
    func anErrorNeverShowsASecret(name: String) async throws {
        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration([name: "hunter2"]) }
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func theCommandLineWinsOverTheEnvironmentAndThatOverTheFile() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            #"{"host": "file.example", "port": 1, "upload_limit": "7MB", "log_level": "error"}"#, to: "settings.json")
        let configuration = try await configuration(
            ["MAGPIE_CONFIG": file, "MAGPIE_HOST": "environment.example", "MAGPIE_PORT": "2"], flags: ["PORT": "3"])
        #expect(configuration.port == 3)
        #expect(configuration.host == "environment.example")
        #expect(configuration.limits.upload == 7_000_000)
        #expect(configuration.logLevel == .error)
    }

    @Test func aNumberInTheFileMayBeWrittenAsOne() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(#"{"port": 8123, "idle_timeout": 5}"#, to: "settings.json")
        let configuration = try await configuration(flags: ["CONFIG": file])
        #expect(configuration.port == 8123)
        #expect(configuration.limits.idleTimeout == .seconds(5))
    }

    @Test func anEmptyVariableCountsAsNotSet() async throws {
        #expect(try await configuration(["MAGPIE_PORT": "", "MAGPIE_JWT_SECRET": ""]).port == 5000)
    }

    @Test func unknownNamesAreWarnedOf() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(#"{"prot": 1, "config": "other.json"}"#, to: "settings.json")
        let warnings = try await configuration(["MAGPIE_DATADIR": "x", "PATH": "/bin"], flags: ["CONFIG": file]).warnings
        #expect(warnings.count == 3)
        for name in ["MAGPIE_DATADIR", "prot", "config"] { #expect(warnings.contains { $0.hasPrefix(name + " ") }) }
    }

    @Test(arguments: ["[1]", "{", "\"text\"", ""])
    func aFileThatHoldsNoSettingsIsNamed(text: String) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(text, to: "settings.json")
        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration(["MAGPIE_CONFIG": file]) }
        #expect(error?.description.contains(file) == true)
    }

    @Test func aMissingFileIsNamed() async throws {
        let error = await #expect(throws: ConfigurationError.self) {
            _ = try await configuration(flags: ["CONFIG": "/nowhere/settings.json"])
        }
        #expect(error?.description == "MAGPIE_CONFIG: there is no file /nowhere/settings.json")
    }

    @Test func aListInTheFileIsRefusedByName() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(#"{"host": ["a"]}"#, to: "settings.json")
        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration(["MAGPIE_CONFIG": file]) }
        #expect(error?.description.contains("MAGPIE_HOST") == true)
    }

    @Test(arguments: [
        (["MAGPIE_PUBLIC_URL": "https://media.example.com/"], "https://media.example.com"),
        (["MAGPIE_HOST": "0.0.0.0", "MAGPIE_PORT": "80"], "http://127.0.0.1:80"), (["MAGPIE_HOST": "::"], "http://[::1]:5000"),
        (["MAGPIE_HOST": "fd00::7"], "http://[fd00::7]:5000"),
        (["MAGPIE_TLS_CERTIFICATE": "c.pem", "MAGPIE_TLS_KEY": "k.pem"], "https://127.0.0.1:5000"),
    ])
    func theURLIsOneThatClientsCanUse(environment: [String: String], url: String) async throws {
        #expect(try await configuration(environment).url == url)
    }

    @Test func originsAreAListOrAll() async throws {
        #expect(
            try await configuration(["MAGPIE_CORS_ORIGINS": "https://a.example, http://localhost:3000"]).corsOrigins
                == ["https://a.example", "http://localhost:3000"])
        #expect(try await configuration(["MAGPIE_CORS_ORIGINS": "*"]).corsOrigins == nil)
    }

    @Test(arguments: ["HS256", "hs384", "HS512"])
    func algorithmsAreKnownInAnyCase(name: String) async throws {
        #expect(try await configuration(["MAGPIE_JWT_ALGORITHM": name]).jwtAlgorithm == name.uppercased())
    }

    @Test func imagesCanBeSwitchedOff() async throws {
        #expect(try await configuration(["MAGPIE_IMAGES": "off"]).images == nil)
    }

    @Test func everySettingIsListedOnceAndSaysWhatItDoes() {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        #expect(Setting.all.allSatisfy { !$0.meaning.isEmpty })
    }
}
