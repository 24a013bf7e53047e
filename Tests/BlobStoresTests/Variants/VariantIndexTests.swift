// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

@testable import BlobStores

struct VariantIndexTests {
    /// What the index should be: the files in the order of their use, the last used at the end.
    private struct Model {
        var files: [VariantFile] = []

        mutating func use(_ key: VariantKey) -> VariantFile? {
            guard let position = files.firstIndex(where: { $0.key == key }) else { return nil }
            let file = files.remove(at: position)
            files.append(file)
            return file
        }
    }

    private static func key(_ version: Int, _ transform: Int) throws -> VariantKey {
        var recipe = Transform()
        recipe.width = transform
        return try #require(
            VariantKey(
                VariantName(version: ObjectVersion(stored: "v\(version)"), fingerprint: recipe.fingerprint(revision: ""))))
    }

    @Test func behavesAsAListInTheOrderOfUse() throws {
        var random = SeededGenerator(seed: 11)
        var (index, model) = (VariantIndex(), Model())
        for _ in 0..<4000 {
            let version = Int.random(in: 0..<8, using: &random)
            let key = try Self.key(version, Int.random(in: 0..<10, using: &random))
            let file = VariantFile(key: key, size: UInt32.random(in: 1...20_000, using: &random), kind: .webp)
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<4:
                index.add(file, at: 0)
                model.files.removeAll { $0.key == key }
                model.files.append(file)
            case 4..<8:
                let (used, expected) = (index.use(key, at: 0, markingAfter: 1)?.file, model.use(key))
                #expect(used == expected)
            case 8:
                let removed = index.remove(key)
                #expect(removed == model.files.first { $0.key == key })
                model.files.removeAll { $0.key == key }
            case 9:
                let gone = Set(index.removeAll(of: key.version))
                #expect(gone == Set(model.files.filter { $0.key.version == key.version }))
                model.files.removeAll { $0.key.version == key.version }
            case 10:
                let isNew = index.addOldest(file, marked: 0)
                #expect(isNew == !model.files.contains { $0.key == key })
                if isNew { model.files.insert(file, at: 0) }
            default:
                let limit = Int64.random(in: 0...600_000, using: &random)
                var gone: [VariantFile] = []
                while model.files.reduce(0, { $0 + $1.cost }) > limit { gone.append(model.files.removeFirst()) }
                let trimmed = index.trim(to: limit)
                #expect(trimmed == gone)
            }
            #expect(index.count == model.files.count)
            #expect(index.cost == model.files.reduce(0) { $0 + $1.cost })
        }
        let rest = index.trim(to: 0)
        #expect(rest == model.files)
    }

    @Test func aUseIsMarkedOnceInAWhile() throws {
        var index = VariantIndex()
        let file = VariantFile(key: try Self.key(1, 1), size: 1, kind: .jpeg)
        index.add(file, at: 1000)

        let marks = [1001, 4600, 4601, 4602, 8202].map { index.use(file.key, at: $0, markingAfter: 3600)?.marks }

        #expect(marks == [false, false, true, false, true])
    }

    @Test func onlyTheEntryThatWasFoundIsLost() throws {
        var index = VariantIndex()
        let file = VariantFile(key: try Self.key(1, 1), size: 1, kind: .jpeg)
        index.add(file, at: 0)
        let first = index.use(file.key, at: 0, markingAfter: 1)
        let early = try #require(first)
        // Pushed out, and rendered and written again under the same name, before the reader opened the file.
        _ = index.trim(to: 0)
        index.add(file, at: 0)

        let losesTheNewOne = index.lose(early)
        let second = index.use(file.key, at: 0, markingAfter: 1)
        let late = try #require(second)
        let losesItself = index.lose(late)

        #expect(!losesTheNewOne)
        #expect(losesItself && index.count == 0 && index.cost == 0)
    }

    @Test func aNameIsReadBackAndNoOther() throws {
        var random = SeededGenerator(seed: 5)
        let name = VariantFile(key: try Self.key(1, 1), size: 1234, kind: .avif).name
        #expect(VariantFile(name: name)?.name == name)

        for _ in 0..<5000 {
            var bytes = Array(name.utf8)
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0x20...0x7E, using: &random)
                case 1: bytes.remove(at: position)
                default: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &random), at: position)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if let file = VariantFile(name: text) { #expect(file.name == text) }
        }
    }

    @Test func versionsThatLookAlikeAreTwo() {
        let uuid = ObjectVersion()
        let others = [uuid.rawValue.uppercased(), uuid.rawValue.replacing("-", with: ""), uuid.rawValue + " "]

        for other in others { #expect(VariantKey.Version(ObjectVersion(stored: other)) != VariantKey.Version(uuid)) }
    }
}
