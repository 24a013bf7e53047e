// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import MediaCore
import WireFormats

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The server's secrets: what was given, and for the rest what the first start generated into `secrets.json`.
struct Secrets: Equatable, Sendable {
    var jwtSecret: String
    var anonKey: String
    var serviceKey: String
    var s3AccessKey: String
    var s3SecretKey: String
    var s3Region: String
    var masterKey: String
    var publishableKey: String
    var secretKey: String

    /// Reads the secrets of a data directory, generating them when nobody did before.
    ///
    /// The file is written once, for its owner only, and never changed; of two servers that start at the same time one writes
    /// it and both read it.
    static func load(_ configuration: ServerConfiguration) async throws -> Secrets {
        let stored = try Stored.load(in: configuration.dataDirectory)
        let given = configuration.givenSecrets
        let jwtSecret = given.jwtSecret ?? stored.jwtSecret
        let keys = try await KeyRing(secret: jwtSecret, algorithm: configuration.jwtAlgorithm)
        return Secrets(
            jwtSecret: jwtSecret,
            anonKey: try given.anonKey ?? apiKey(role: configuration.anonymousRole, since: stored.createdAt, keys),
            serviceKey: try given.serviceKey ?? apiKey(role: configuration.serviceRole, since: stored.createdAt, keys),
            s3AccessKey: given.s3AccessKey ?? stored.s3AccessKey, s3SecretKey: given.s3SecretKey ?? stored.s3SecretKey,
            s3Region: given.s3Region, masterKey: given.masterKey ?? stored.masterKey, publishableKey: stored.publishableKey,
            secretKey: stored.secretKey)
    }

    /// What seals stored credentials.
    var masterKeyBytes: [UInt8] { Array(Data(base64Encoded: masterKey) ?? Data()) }

    /// What opens and seals the key pairs of the S3 dialect; the server's own pair is the service.
    func accessKeys(_ configuration: ServerConfiguration, service: Principal) -> AccessKeys.Configuration {
        AccessKeys.Configuration(
            masterKey: masterKeyBytes,
            server: AccessCredential(id: AccessKeyID(s3AccessKey), secret: s3SecretKey, principal: service),
            anonymousRole: configuration.anonymousRole)
    }

    /// The token of a role for ten years. Made of the secret and the date of the first start, so it is the same every time.
    private static func apiKey(role: String, since date: Int64, _ keys: KeyRing) throws -> String {
        let tenYears: Int64 = 10 * 365 * 86_400
        return try keys.sign(
            JSONText(
                trusted: JSONWriter.object { writer in
                    writer.field("role", role)
                    writer.field("iss", "magpie")
                    writer.field("iat", date)
                    writer.field("exp", date + tenYears)
                }))
    }
}

extension Secrets {
    private struct Stored: Codable {
        var createdAt: Int64
        var jwtSecret: String
        var s3AccessKey: String
        var s3SecretKey: String
        var masterKey: String
        var publishableKey: String
        var secretKey: String

        static func generate() -> Stored {
            Stored(
                createdAt: Timestamp.now().seconds, jwtSecret: hex(32), s3AccessKey: "MAGPIE" + hex(7).uppercased(),
                s3SecretKey: Base64URL.encode(random(30)), masterKey: Data(random(32)).base64EncodedString(),
                publishableKey: "pk_" + hex(32), secretKey: "sk_" + hex(32))
        }

        static func load(in directory: String) throws -> Stored {
            let path = directory + "/secrets.json"
            if let known = try read(path) { return known }
            try makeDirectory(directory)
            try writeOnce(generate(), to: path, in: directory)
            guard let written = try read(path) else { throw ConfigurationError("\(path) vanished while it was being read") }
            return written
        }

        private static func read(_ path: String) throws -> Stored? {
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            do {
                return try JSONDecoder().decode(Stored.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
            } catch {
                throw ConfigurationError("\(path) can't be read: is it this user's, and a file that Magpie wrote?")
            }
        }

        private static func makeDirectory(_ path: String) throws {
            do {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            } catch {
                throw ConfigurationError("MAGPIE_DATA_DIR: \(path) can't be made or written to")
            }
        }

        /// Under a temporary name, durable, and then linked into place, which fails when somebody else was first.
        private static func writeOnce(_ secrets: Stored, to path: String, in directory: String) throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            let bytes = [UInt8](try encoder.encode(secrets))
            let temporary = path + ".\(getpid()).\(hex(4))"
            let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw ConfigurationError("MAGPIE_DATA_DIR: \(directory) can't be written to") }
            let written = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            let isDurable = written == bytes.count && fsync(file) == 0
            close(file)
            defer { unlink(temporary) }
            guard isDurable, link(temporary, path) == 0 || errno == EEXIST else {
                throw ConfigurationError("MAGPIE_DATA_DIR: \(path) can't be written")
            }
            let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if folder >= 0 {
                fsync(folder)
                close(folder)
            }
        }

        private static func random(_ count: Int) -> [UInt8] {
            SymmetricKey(size: SymmetricKeySize(bitCount: count * 8)).withUnsafeBytes { Array($0) }
        }

        private static func hex(_ count: Int) -> String {
            Hexadecimal.encode(random(count))
        }
    }
}
