// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaCore
import Testing

@testable import magpie

@Suite struct SecretsTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var file: String { directory.path + "/secrets.json" }

    private func keys(_ environment: [String: String] = [:]) async throws -> Secrets {
        try await Secrets.load(configuration(environment, flags: ["DATA_DIR": directory.path]))
    }

    @Test func onlyTheOwnerMayReadTheFile() async throws {
        _ = try await keys()
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["secrets.json"])
    }

    @Test func everyStartFindsTheSameKeys() async throws {
        let first = try await keys()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect(try await keys() == first)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)
    }

    @Test func theDirectoryIsMadeWhereItIsMissing() async throws {
        let path = directory.path + "/a/b"
        _ = try await Secrets.load(configuration(flags: ["DATA_DIR": path]))
        #expect(FileManager.default.fileExists(atPath: path + "/secrets.json"))
    }

    @Test func concurrentStartsAgree() async throws {
        let all = try await withThrowingTaskGroup(of: Secrets.self) { group in
            for _ in 0..<16 { group.addTask { try await keys() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(all.allSatisfy { $0 == all[0] })
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["secrets.json"])
    }

    @Test func aDamagedFileIsReportedAndLeftAlone() async throws {
        _ = try directory.write("{\"jwtSecret\": \"half", to: "secrets.json")
        let error = await #expect(throws: ConfigurationError.self) { _ = try await keys() }
        #expect(error?.description.contains(file) == true)
        #expect(error?.description.contains("half") == false)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "{\"jwtSecret\": \"half")
    }

    @Test func generatedKeysHaveTheirForms() async throws {
        let keys = try await keys()
        #expect(keys.jwtSecret.count == 64 && keys.jwtSecret.allSatisfy(\.isHexDigit))
        #expect(Data(base64Encoded: keys.masterKey)?.count == 32)
        #expect(keys.publishableKey.hasPrefix("pk_") && keys.secretKey.hasPrefix("sk_"))
        #expect(keys.s3Region == "us-east-1")
        #expect(Set([keys.jwtSecret, keys.s3AccessKey, keys.s3SecretKey, keys.masterKey]).count == 4)
    }

    @Test func apiKeysNameTheirRolesAndLiveForTenYears() async throws {
        let keys = try await keys()
        let ring = try await KeyRing(secret: keys.jwtSecret)
        let now = Timestamp.now()
        for (token, role) in [(keys.anonKey, "anon"), (keys.serviceKey, "service_role")] {
            #expect(try ring.verify(token, at: now.adding(seconds: 3640 * 86400)).role == role)
            #expect(throws: StorageError.self) { try ring.verify(token, at: now.adding(seconds: 3660 * 86400)) }
        }
    }

    @Test func givenKeysWin() async throws {
        let generated = try await keys()
        let given = try await keys([
            "MAGPIE_ANON_KEY": "my-anon", "MAGPIE_S3_ACCESS_KEY": "my-id", "MAGPIE_S3_SECRET_KEY": "my-secret",
            "MAGPIE_S3_REGION": "eu-central-1",
        ])
        #expect(given.anonKey == "my-anon")
        #expect(given.s3AccessKey == "my-id")
        #expect(given.s3SecretKey == "my-secret")
        #expect(given.s3Region == "eu-central-1")
        #expect(given.serviceKey == generated.serviceKey)
        #expect(given.masterKey == generated.masterKey)
    }

    @Test func apiKeysAreSignedAnewForAGivenSecret() async throws {
        let secret = "a secret of more than sixteen bytes"
        let generated = try await keys()
        let given = try await keys(["MAGPIE_JWT_SECRET": secret])
        #expect(given.anonKey != generated.anonKey)
        #expect(try await KeyRing(secret: secret).verify(given.serviceKey).role == "service_role")
        #expect(try await keys(["MAGPIE_JWT_SECRET": secret]) == given)
    }

    @Test func apiKeysFollowAlgorithmAndRoles() async throws {
        let keys = try await keys(["MAGPIE_JWT_ALGORITHM": "HS512", "MAGPIE_ANON_ROLE": "visitor"])
        let ring = try await KeyRing(secret: keys.jwtSecret, algorithm: "HS512")
        #expect(try ring.verify(keys.anonKey).role == "visitor")
        #expect(try ring.verify(keys.serviceKey).role == "service_role")
    }
}
