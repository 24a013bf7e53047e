// SPDX-License-Identifier: Apache-2.0

import MediaCore
import MediaTesting
import Testing

struct EventMutingTests {
    private func event(_ type: EventType, _ key: String = "k", in bucket: String = "b") -> StorageEvent {
        StorageEvent(
            id: EventID(1), uuid: "u1", type: type,
            address: ObjectAddress(bucket: BucketID(stored: bucket), key: ObjectKey(stored: key)),
            date: Timestamp(seconds: 0))
    }

    private func muted(by text: String) throws -> Set<EventType> {
        let muting = try EventMuting(parsing: text)
        return Set(EventType.allCases.filter { muting.mutes(event($0)) })
    }

    @Test func nothingIsMutedByNothing() throws {
        #expect(try muted(by: "").isEmpty)
        #expect(try muted(by: " , ,").isEmpty)
    }

    @Test(arguments: ["ObjectCreated:Put", "Webhook:ObjectCreated:Put", " Webhook:ObjectCreated:Put ,"])
    func aTypeIsMutedByItsName(_ text: String) throws {
        #expect(try muted(by: text) == [.createdByPut])
    }

    @Test func aStarStandsForAllOfAKind() throws {
        #expect(try muted(by: "ObjectRemoved:*,Webhook:ObjectUpdated:*") == [.removedByDelete, .removedByMove, .updatedMetadata])
    }

    @Test func everythingIsMutedByTheNameOfAll() throws {
        #expect(try muted(by: "Webhook") == Set(EventType.allCases))
    }

    @Test func oneObjectIsMutedByItsAddress() throws {
        let muting = try EventMuting(parsing: "Webhook:ObjectCreated:*:b/a:b/c%2C%20d.png")

        #expect(muting.mutes(event(.createdByPost, "a:b/c, d.png")))
        #expect(!muting.mutes(event(.removedByDelete, "a:b/c, d.png")))
        #expect(!muting.mutes(event(.createdByPost, "a:b/c, d.png", in: "other")))
        #expect(!muting.mutes(event(.createdByPost, "a:b/c")))
    }

    @Test(arguments: [
        "ObjectCreated", "Object*", "*", "Webhook:", "Webhook:ObjectCreated", "ObjectCreated:Put:b/k",
        "Webhook:ObjectCreated:Put:b",
        "Webhook:ObjectCreated:Put:/k", "Webhook:ObjectCreated:Put:b/", "Webhook:ObjectCreated:Put:b/%2", "objectcreated:put",
    ])
    func whatNamesNoEventIsRefused(_ text: String) {
        #expect(throws: EventMuting.UnknownEntry(text)) { try EventMuting(parsing: "ObjectCreated:Put, \(text)") }
    }

    @Test func anyTextIsReadOrRefused() {
        var generator = SeededGenerator(seed: 12)
        let pieces = ["Webhook", "ObjectCreated", "ObjectRemoved", "Put", "*", ":", "/", ",", "%", "%2C", "b", " ", "é", "\u{0}"]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            do {
                _ = try EventMuting(parsing: text)
            } catch {
                #expect(text.contains(error.entry) && !error.entry.isEmpty)
            }
        }
    }
}
