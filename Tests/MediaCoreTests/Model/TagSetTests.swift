// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct TagSetTests {
    private static func pairs(_ names: [String]) -> [TagSet.Pair] { names.map { TagSet.Pair(name: $0, value: "v") } }

    @Test func tagsAreInTheOrderOfTheirNames() throws {
        let tags = try TagSet(Self.pairs(["b", "é", "B", "a"]), limit: .object)
        #expect(tags.pairs.map(\.name) == ["B", "a", "b", "é"])
        #expect(tags["a"] == "v" && tags["c"] == nil)
        #expect(tags.json.rawValue == #"{"B":"v","a":"v","b":"v","é":"v"}"#)
    }

    @Test func thereIsALimitToTheirNumber() throws {
        let names = (0..<51).map { "tag\($0)" }
        #expect(try TagSet(Self.pairs(Array(names.prefix(10))), limit: .object).pairs.count == 10)
        #expect(try TagSet(Self.pairs(Array(names.prefix(50))), limit: .bucket).pairs.count == 50)
        for (count, limit) in [(11, TagSet.Limit.object), (51, .bucket)] {
            #expect { try TagSet(Self.pairs(Array(names.prefix(count))), limit: limit) } throws: {
                ($0 as? StorageError)?.code == .invalidTag
            }
        }
    }

    @Test(arguments: [
        TagSet.Pair(name: "", value: ""), TagSet.Pair(name: String(repeating: "k", count: 129), value: ""),
        TagSet.Pair(name: "k", value: String(repeating: "ü", count: 257)), TagSet.Pair(name: "a\u{0}", value: ""),
        TagSet.Pair(name: "k", value: "line\nbreak"),
    ])
    func whatIsTooLongOrNoTextIsRefused(pair: TagSet.Pair) {
        #expect { try TagSet([pair], limit: .object) } throws: { ($0 as? StorageError)?.code == .invalidTag }
    }

    @Test func theLongestTagsAreTaken() throws {
        let pair = TagSet.Pair(name: String(repeating: "ü", count: 128), value: String(repeating: "ü", count: 256))
        #expect(try TagSet([pair], limit: .object).pairs == [pair])
    }

    @Test func aNameCantBeGivenTwice() {
        #expect { try TagSet(Self.pairs(["a", "b", "a"]), limit: .object) } throws: { ($0 as? StorageError)?.code == .invalidTag }
    }

    @Test func aFilterIsContainedWhenEveryTagIs() {
        let tags = TagSet(stored: ["a": "1", "b": "2"])
        #expect(tags.contains(.empty) && tags.contains(TagSet(stored: ["b": "2"])))
        #expect(!tags.contains(TagSet(stored: ["a": "2"])) && !tags.contains(TagSet(stored: ["a": "1", "c": ""])))
    }
}
