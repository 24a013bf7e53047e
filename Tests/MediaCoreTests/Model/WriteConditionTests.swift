// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct WriteConditionTests {
    private static let address = ObjectAddress(bucket: BucketID(stored: "b"), key: ObjectKey(stored: "k"))
    private static let version = ObjectVersion()
    private static let record = ObjectRecord(
        id: ObjectID(), address: address, version: version,
        metadata: ObjectMetadata(eTag: "\"abc\"", size: 3, lastModified: Timestamp(microseconds: 7_900_000)).json)

    private static func code(_ condition: WriteCondition, _ record: ObjectRecord?) -> StorageError.Code? {
        do {
            try condition.require(record, at: address)
            return nil
        } catch { return error.code }
    }

    @Test func noConditionIsMetByAnything() {
        #expect(Self.code(.none, nil) == nil && Self.code(.none, Self.record) == nil)
    }

    @Test func absenceIsNotMetByAnObject() {
        #expect(Self.code(.ifAbsent, nil) == nil)
        #expect(Self.code(.ifAbsent, Self.record) == .preconditionFailed)
    }

    @Test func aMatchNeedsAnObject() {
        #expect(Self.code(.ifMatch(.anything), nil) == .objectNotFound)
        #expect(Self.code(.ifMatch(.anything), Self.record) == nil)
    }

    @Test(arguments: ["\"abc\"", "abc", "*", "\"x\", \"abc\""])
    func aListWithTheTagMatches(field: String) {
        #expect(Self.code(.ifMatch(ObjectMatch(field: field)), Self.record) == nil)
    }

    @Test(arguments: ["\"ABC\"", "W/\"abc\"", "", "\"x\""])
    func aListWithoutTheTagDoesNotMatch(field: String) {
        #expect(Self.code(.ifMatch(ObjectMatch(field: field)), Self.record) == .preconditionFailed)
    }

    @Test func everyPartOfADescriptionCounts() {
        #expect(
            ObjectMatch(size: 3, lastModified: Timestamp(microseconds: 7_000_000), version: Self.version).describes(Self.record))
        #expect(!ObjectMatch(size: 4).describes(Self.record))
        #expect(!ObjectMatch(lastModified: Timestamp(microseconds: 8_000_000)).describes(Self.record))
        #expect(!ObjectMatch(version: ObjectVersion()).describes(Self.record))
    }
}
