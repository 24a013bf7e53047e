// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import magpie

@Suite struct ConfigurationTests {
    @Test func everySettingHasASafeDefault() async throws {
        let configuration = try await configuration()
        #expect(configuration.url() == "http://127.0.0.1:5000")
        #expect(configuration.dataDirectory == FileManager.default.currentDirectoryPath + "/data")
        #expect(configuration.limits.upload == 5 << 30)
        #expect(configuration.limits.objectsToEmpty == 200_000)
        #expect(configuration.durability == .fsync)
        #expect(configuration.database.url == nil)
        #expect(configuration.database.poolSize == nil)
        #expect(configuration.tokens.signedUploadLifetime == .seconds(7200))
        #expect(configuration.origins == .any)
        #expect(configuration.upkeep.sweepInterval == .seconds(21600))
        #expect(configuration.listener.headerLimit == 32 << 10)
        #expect(configuration.logLevel == .info)
        #expect(configuration.unknownNames.isEmpty)
    }

    @Test(arguments: [
        ("MAGPIE_PORT", "65536"), ("MAGPIE_PORT", "http"), ("MAGPIE_PUBLIC_URL", "media.example.com"),
        ("MAGPIE_PUBLIC_URL", "https://x.example/?a=1"), ("MAGPIE_DATABASE_URL", "mysql"), ("MAGPIE_DATABASE_POOL", "0"),
        ("MAGPIE_DATABASE_WAIT", "soon"), ("MAGPIE_DATABASE_TIMEOUT", "-1s"), ("MAGPIE_JWT_SECRET", "short"),
        ("MAGPIE_JWT_ALGORITHM", "none"), ("MAGPIE_S3_ACCESS_KEY", "a"), ("MAGPIE_MASTER_KEY", "bm90IDMyIGJ5dGVz"),
        ("MAGPIE_UPLOAD_LIMIT", "big"), ("MAGPIE_UPLOAD_LIMIT", "0"), ("MAGPIE_DURABILITY", "maybe"),
        ("MAGPIE_TLS_CERTIFICATE", "cert.pem"), ("MAGPIE_TLS_KEY", "key.pem"), ("MAGPIE_LOG_LEVEL", "loud"),
        ("MAGPIE_CORS_ORIGINS", "https://ok.example,example.com"), ("MAGPIE_CORS_ORIGINS", "https://ok.example/path"),
        ("MAGPIE_SIGNED_UPLOAD_EXPIRY", "0"), ("MAGPIE_EMPTY_BUCKET_MAX", "-1"), ("MAGPIE_JSON_LIMIT", "1"),
        ("MAGPIE_USER_METADATA_LIMIT", "1PB"), ("MAGPIE_HEADER_LIMIT", "1"), ("MAGPIE_MAX_CONNECTIONS", "0"),
        ("MAGPIE_IDLE_TIMEOUT", "1ms"), ("MAGPIE_HEADER_TIMEOUT", "x"), ("MAGPIE_BODY_TIMEOUT", "1 year"),
        ("MAGPIE_SHUTDOWN_TIMEOUT", "2d"), ("MAGPIE_CACHE_SIZE", "-1MB"), ("MAGPIE_CACHED_OBJECT_LIMIT", "2GiB"),
        ("MAGPIE_RESPONSE_S_MAXAGE", "2000d"), ("MAGPIE_SWEEP_INTERVAL", "0"), ("MAGPIE_ORPHAN_AGE", "1s"),
        ("MAGPIE_ANON_ROLE", String(repeating: "r", count: 64)),
    ])
    func anErrorNamesItsVariable(name: String, value: String) async throws {
        // Halves of a pair are reported by the name of the missing half.
        let counterparts = ["MAGPIE_TLS_CERTIFICATE": "MAGPIE_TLS_KEY", "MAGPIE_TLS_KEY": "MAGPIE_TLS_CERTIFICATE"]
        let expected = name == "MAGPIE_S3_ACCESS_KEY" ? "MAGPIE_S3_SECRET_KEY" : counterparts[name] ?? name
        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration([name: value]) }
        #expect(error?.subject == expected)
        #expect(error?.description.hasPrefix(expected + ": ") == true)
    }

    @Test(arguments: ["MAGPIE_JWT_SECRET", "MAGPIE_MASTER_KEY", "MAGPIE_DATABASE_URL"])
    func anErrorNeverShowsASecret(name: String) async throws {
        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration([name: "hunter2"]) }
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func theCommandLineWinsOverTheEnvironmentAndThatOverTheFile() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            #"{"MAGPIE_HOST": "file.example", "MAGPIE_PORT": 1, "MAGPIE_UPLOAD_LIMIT": "7MB", "MAGPIE_LOG_LEVEL": "error"}"#,
            to: "settings.json")
        let configuration = try await configuration(
            ["MAGPIE_CONFIG": file, "MAGPIE_HOST": "environment.example", "MAGPIE_PORT": "2"], flags: [.port: "3"])
        #expect(configuration.listener.port == 3)
        #expect(configuration.listener.host == "environment.example")
        #expect(configuration.limits.upload == 7_000_000)
        #expect(configuration.logLevel == .error)
    }

    @Test func anEmptyVariableCountsAsNotSet() async throws {
        #expect(try await configuration(["MAGPIE_PORT": "", "MAGPIE_JWT_SECRET": ""]).listener.port == 5000)
    }

    @Test func unknownNamesAreFoundInEnvironmentAndFile() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(#"{"MAGPIE_PROT": 1, "port": 2}"#, to: "settings.json")
        let configuration = try await configuration(["MAGPIE_DATADIR": "x", "PATH": "/bin"], flags: [.configFile: file])
        #expect(configuration.unknownNames == ["MAGPIE_DATADIR", "MAGPIE_PROT", "port"])
    }

    @Test(arguments: ["[1]", "{", "\"text\""])
    func aFileThatHoldsNoSettingsIsNamed(text: String) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(text, to: "settings.json")
        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration(["MAGPIE_CONFIG": file]) }
        #expect(error?.subject == file)
    }

    @Test func aMissingFileIsNamed() async throws {
        let error = await #expect(throws: ConfigurationError.self) {
            _ = try await configuration(flags: [.configFile: "/nowhere/settings.json"])
        }
        #expect(error == ConfigurationError("/nowhere/settings.json", "there is no such configuration file"))
    }

    @Test func aListInTheFileIsRefusedByName() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(#"{"MAGPIE_HOST": ["a"]}"#, to: "settings.json")
        let error = await #expect(throws: ConfigurationError.self) { _ = try await configuration(["MAGPIE_CONFIG": file]) }
        #expect(error?.subject == "MAGPIE_HOST")
    }

    @Test(arguments: [
        (["MAGPIE_PUBLIC_URL": "https://media.example.com/"], "https://media.example.com"),
        (["MAGPIE_HOST": "0.0.0.0", "MAGPIE_PORT": "80"], "http://127.0.0.1:80"),
        (["MAGPIE_HOST": "::1"], "http://[::1]:5000"),
        (["MAGPIE_TLS_CERTIFICATE": "c.pem", "MAGPIE_TLS_KEY": "k.pem"], "https://127.0.0.1:5000"),
    ])
    func theURLIsOneThatClientsCanUse(environment: [String: String], url: String) async throws {
        #expect(try await configuration(environment).url() == url)
    }

    @Test func originsAreAListOrNone() async throws {
        #expect(
            try await configuration(["MAGPIE_CORS_ORIGINS": "https://a.example, http://localhost:3000"]).origins
                == .only(["https://a.example", "http://localhost:3000"]))
        #expect(try await configuration(["MAGPIE_CORS_ORIGINS": "none"]).origins == .only([]))
    }

    @Test func everySettingIsListedOnceAndWithItsDefault() {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        for setting in Setting.all {
            #expect(setting.name.hasPrefix("MAGPIE_"))
            #expect(Setting.markdown.contains("| `\(setting.name)` | \(setting.fallback.map { "`\($0)`" } ?? "–") |"))
        }
    }
}
