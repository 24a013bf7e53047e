// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation

/// How much work a guess at a password takes: the parameters of scrypt (RFC 7914 §2).
public struct PasswordCost: Hashable, Sendable {
    /// The logarithm of N. Each step doubles time and memory.
    public var logarithm: Int
    /// `r`. With N, what is needed of memory: `128 · N · r` bytes.
    public var blockSize: Int
    /// `p`: how often that is done, one after the other.
    public var parallelism: Int

    /// - Parameter logarithm: 15 needs 32 MiB of memory for the time of a hashing.
    public init(logarithm: Int = 15, blockSize: Int = 8, parallelism: Int = 3) {
        self.logarithm = logarithm
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// More memory than this is never taken, whatever the database says a hash was made with.
    static let range = 10...20

    var isUsable: Bool { Self.range.contains(logarithm) && (1...16).contains(blockSize) && (1...16).contains(parallelism) }
}

/// The hash of a password with all that it was made with: `$scrypt$ln=15,r=8,p=3$salt$hash`, both in base64 without padding.
public struct PasswordHash: Hashable, Sendable, CustomStringConvertible {
    /// As it is kept.
    public let text: String
    let cost: PasswordCost
    private let salt: [UInt8]
    private let key: [UInt8]

    private static let saltBytes = 16
    private static let keyBytes = 32

    /// Hashes a password under a new salt. Takes the time and memory that the cost says, on the calling thread.
    init(of password: Password, cost: PasswordCost) throws {
        let salt = SymmetricKey(size: SymmetricKeySize(bitCount: Self.saltBytes * 8)).withUnsafeBytes { Array($0) }
        self.init(cost: cost, salt: salt, key: try Self.derive(password, salt, cost))
    }

    /// A hash that no password has: to spend on an account that is missing what one that is there would take.
    static func ofNothing(cost: PasswordCost) -> PasswordHash {
        PasswordHash(cost: cost, salt: [UInt8](repeating: 0, count: saltBytes), key: [UInt8](repeating: 0, count: keyBytes))
    }

    /// A hash read from the database. Nil for one that this version did not make.
    public init?(stored text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt", let cost = Self.cost(parts[2]), cost.isUsable,
            let salt = Self.bytes(parts[3]), !salt.isEmpty, let key = Self.bytes(parts[4]), key.count == Self.keyBytes
        else { return nil }
        self.text = text
        self.cost = cost
        self.salt = salt
        self.key = key
    }

    private init(cost: PasswordCost, salt: [UInt8], key: [UInt8]) {
        self.text =
            "$scrypt$ln=\(cost.logarithm),r=\(cost.blockSize),p=\(cost.parallelism)$\(Self.text(salt))$\(Self.text(key))"
        self.cost = cost
        self.salt = salt
        self.key = key
    }

    /// Whether it is the hash of a password; compared in constant time. Takes what making it took, on the calling thread.
    func matches(_ password: Password) throws -> Bool {
        let derived = try Self.derive(password, salt, cost)
        var difference: UInt8 = 0
        for (a, b) in zip(derived, key) { difference |= a ^ b }
        return difference == 0
    }

    /// Not the hash: logs need none.
    public var description: String { "password hash" }

    private static func derive(_ password: Password, _ salt: [UInt8], _ cost: PasswordCost) throws -> [UInt8] {
        let key = try KDF.Scrypt.deriveKey(
            from: password.bytes, salt: salt, outputByteCount: keyBytes, rounds: 1 << cost.logarithm, blockSize: cost.blockSize,
            parallelism: cost.parallelism)
        return key.withUnsafeBytes { Array($0) }
    }

    private static func cost(_ text: Substring) -> PasswordCost? {
        var values: [Substring: Int] = [:]
        for field in text.split(separator: ",") {
            let parts = field.split(separator: "=")
            guard parts.count == 2, let value = Int(parts[1]) else { return nil }
            values[parts[0]] = value
        }
        guard let ln = values["ln"], let r = values["r"], let p = values["p"], values.count == 3 else { return nil }
        return PasswordCost(logarithm: ln, blockSize: r, parallelism: p)
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(Data(bytes).base64EncodedString().prefix { $0 != "=" })
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        return Data(base64Encoded: text + padding).map { Array($0) }
    }
}

/// A password as somebody typed it, in the one form that it is hashed in: NFC, as RFC 8265 §4.2 has it.
public struct Password: Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    /// - Throws: `StorageError` with `.invalidParameter` for one that is too short to choose, too long, or has a NUL.
    public init(chosen text: String) throws(StorageError) {
        let normal = text.precomposedStringWithCanonicalMapping
        guard normal.unicodeScalars.count >= Self.fewestCharacters else {
            throw StorageError(
                .invalidParameter, "The password must have at least \(Self.fewestCharacters) characters", resource: "password")
        }
        guard let password = Password(shown: text) else {
            throw StorageError(
                .invalidParameter, "The password must have at most \(Self.mostBytes) bytes and no NUL", resource: "password")
        }
        self = password
    }

    /// One that may be somebody's, however it was chosen. Nil for one that is nobody's.
    public init?(shown text: String) {
        let bytes = Array(text.precomposedStringWithCanonicalMapping.utf8)
        guard bytes.count <= Self.mostBytes, !bytes.contains(0) else { return nil }
        self.bytes = bytes
    }

    public static let fewestCharacters = 8
    public static let mostBytes = 1024

    /// Not the password.
    public var description: String { "password" }
}
