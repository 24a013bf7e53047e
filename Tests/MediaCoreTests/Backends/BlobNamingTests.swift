// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing

@testable import MediaCore

struct BlobNamingTests {
    private static let version = ObjectVersion(stored: "3b241101-e2bb-4255-8caf-4136c566a962")

    private func keys(
        _ key: String, in bucket: String = "shop", prefix: String = "media/", version: ObjectVersion = version
    ) -> [String] {
        let address = ObjectAddress(bucket: BucketID(stored: bucket), key: ObjectKey(stored: key))
        return BlobNaming.keys(for: version, of: address, below: prefix, fresh: ObjectVersion(stored: "f")).map(\.rawValue)
    }

    @Test func anAssetHasItsIDForAName() {
        let id = "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z"

        #expect(
            keys(id) == [
                "media/shop/\(id)", "media/shop/\(id).\(Self.version)", "media/shop/\(id).\(Self.version)-f",
            ])
        #expect(keys(id, prefix: "").first == "shop/\(id)")
    }

    @Test func anyOtherObjectHasItsVersionForAName() {
        for key in ["a.png", "img_", "img_../../x", "img_01J9Q2B7ZK3V8M5T6R4W2X1Y0Z/x", "img_01J9Q2B7ZK3V8M5T6R4W2X1Y/z"] {
            #expect(keys(key) == ["media/shop/\(Self.version)", "media/shop/\(Self.version)-f"], "\(key)")
        }
    }

    @Test func aVersionOfAnotherFormIsNoName() {
        #expect(keys("a", version: ObjectVersion(stored: "../../etc")).first == "media/shop/f")
        #expect(keys("a", version: ObjectVersion(stored: "")).first == "media/shop/f")
    }

    @Test func noNameLeadsOutOfItsProject() {
        var generator = SeededGenerator(seed: 20)
        let alphabet = Array("ab/._-~%\\ ü\0\n:?#&*Z9")
        func text() -> String {
            String((0..<Int.random(in: 0...24, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
        }
        var folders: [String: String] = [:]
        for _ in 0..<5000 {
            let bucket = text()
            let folder = BlobNaming.folder(of: BucketID(stored: bucket), below: "p/")
            #expect(folders[folder] ?? bucket == bucket, "two buckets in one folder")
            folders[folder] = bucket
            for key in keys(text(), in: bucket, prefix: "p/", version: ObjectVersion(stored: text())) {
                #expect(key.hasPrefix(folder) && !key.dropFirst(folder.count).contains("/"))
                #expect(key.utf8.allSatisfy { BlobNamingTests.isSafe($0) })
                #expect(
                    !key.split(separator: "/", omittingEmptySubsequences: false).dropLast().contains { $0 == "." || $0 == ".." })
            }
        }
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.".utf8.contains(byte)
    }
}
