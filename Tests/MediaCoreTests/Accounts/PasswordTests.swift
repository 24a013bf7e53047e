// SPDX-License-Identifier: Apache-2.0

import Foundation
import MediaTesting
import Testing

@testable import MediaCore

struct PasswordTests {
    private static let cheap = PasswordCost(logarithm: 10, blockSize: 8, parallelism: 1)

    private func password(_ text: String = "correct horse") throws -> Password { try Password(chosen: text) }

    @Test func aHashMatchesItsPasswordAndNoOther() throws {
        let hash = try PasswordHash(of: password(), cost: Self.cheap)
        #expect(try hash.matches(password()))
        #expect(try !hash.matches(password("correct horsf")))
        #expect(try PasswordHash(of: password(), cost: Self.cheap) != hash)
        let shown = try "\(hash) \(password())"
        #expect(!shown.contains("$") && !shown.contains("horse"))
    }

    @Test func aHashIsReadWithAllThatItWasMadeWith() throws {
        let hash = try PasswordHash(of: password(), cost: Self.cheap)
        let stored = try #require(PasswordHash(stored: hash.text))
        #expect(stored == hash && stored.cost == Self.cheap && hash.text.hasPrefix("$scrypt$ln=10,r=8,p=1$"))
        #expect(try stored.matches(password()))
    }

    /// RFC 7914 §12, the second and the third vector, of whose 64 bytes the first 32 are what a key of 32 bytes is.
    @Test(arguments: [
        ("password", "NaCl", "ln=10,r=8,p=16", "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"),
        (
            "pleaseletmein", "SodiumChloride", "ln=14,r=8,p=1",
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        ),
    ])
    func itIsScrypt(_ text: String, _ salt: String, _ cost: String, _ key: String) throws {
        let bytes = stride(from: 0, to: key.count, by: 2).map { index in
            let start = key.index(key.startIndex, offsetBy: index)
            return UInt8(key[start..<key.index(start, offsetBy: 2)], radix: 16) ?? 0
        }
        func base64(_ data: Data) -> String { data.base64EncodedString().filter { $0 != "=" } }
        let hash = try #require(
            PasswordHash(stored: "$scrypt$\(cost)$\(base64(Data(salt.utf8)))$\(base64(Data(bytes)))"))
        #expect(try hash.matches(try #require(Password(shown: text))))
        #expect(try !hash.matches(try #require(Password(shown: text + " "))))
    }

    @Test(arguments: [
        "", "$", "$$$$", "plain", "$scrypt$ln=15,r=8,p=3$AAAA", "$argon2id$ln=15,r=8,p=3$AAAA$BBBB",
        "$scrypt$ln=30,r=8,p=3$AAAA$" + String(repeating: "A", count: 43),
        "$scrypt$ln=15,r=1024,p=3$AAAA$" + String(repeating: "A", count: 43),
        "$scrypt$ln=15,r=8$AAAA$" + String(repeating: "A", count: 43),
        "$scrypt$ln=15,r=8,p=3,q=1$AAAA$" + String(repeating: "A", count: 43),
        "$scrypt$ln=-15,r=8,p=3$AAAA$" + String(repeating: "A", count: 43), "$scrypt$ln=15,r=8,p=3$AAAA$AAAA",
        "$scrypt$ln=15,r=8,p=3$$" + String(repeating: "A", count: 43),
    ])
    func whatIsNoHashIsNotRead(_ text: String) {
        #expect(PasswordHash(stored: text) == nil)
    }

    @Test func hostileHashesAreRefusedOrHarmless() {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array("$scryptln=,rp0123456789AZaz+/= é")
        for _ in 0..<5000 {
            let text = String(
                (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                    alphabet[Int.random(in: alphabet.indices, using: &generator)]
                })
            if let hash = PasswordHash(stored: text) { #expect(hash.cost.isUsable) }
        }
    }

    @Test func passwordsAreOfOneForm() throws {
        #expect(try Password(chosen: "Zoe\u{308} wartet").bytes == Password(chosen: "Zo\u{eb} wartet").bytes)
        for text in ["", "seven77", String(repeating: "x", count: 1025), "with\0a NUL"] {
            #expect(throws: StorageError.self) { try Password(chosen: text) }
        }
        #expect(Password(shown: "seven77") != nil && Password(shown: "\0") == nil)
        #expect(Password(shown: String(repeating: "x", count: 1025)) == nil)
    }

    @Test func verifyingTellsWhetherTheCostIsAnother() async throws {
        let hasher = PasswordHasher(cost: Self.cheap, parallelism: 2)
        let same = try await hasher.hash(password())
        let other = try PasswordHash(of: password(), cost: PasswordCost(logarithm: 11, blockSize: 8, parallelism: 1))
        #expect(try await hasher.verify(password(), against: same) == .right)
        #expect(try await hasher.verify(password(), against: other) == .rightAtAnotherCost)
        #expect(try await hasher.verify(password("wrong horse"), against: other) == .wrong)
        #expect(try await hasher.verify(password(), against: nil) == .wrong)
        #expect(try await hasher.verify(nil, against: same) == .wrong)
    }

    @Test func whoComesBeyondTheQueueIsTurnedAway() async throws {
        let hasher = PasswordHasher(cost: Self.cheap, parallelism: 1, queue: 0)
        let password = try password()
        let refused = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<32 {
                group.addTask { await errorCode { _ = try await hasher.hash(password) } == .overloaded }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(refused > 0 && refused < 32)
    }

    @Test func nothingIsThePasswordOfAnAccountThatIsMissing() throws {
        let nothing = PasswordHash.ofNothing(cost: Self.cheap)
        for text in ["", "correct horse", "\u{1}"] {
            #expect(try !nothing.matches(try #require(Password(shown: text))))
        }
    }
}
