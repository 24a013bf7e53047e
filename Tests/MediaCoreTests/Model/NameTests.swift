// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct NameTests {
    @Test(arguments: ["avatars", "My Bucket", "a", "weird!_.*'()&$=@;:+,?-name", String(repeating: "x", count: 100)])
    func acceptsBucketNamesThatTheReferenceAccepts(name: String) throws {
        #expect(try BucketID(naming: name).rawValue == name)
    }

    @Test(arguments: [
        "", " leading", "trailing ", "a/b", "ünïcode", "tab\tname", "nul\0", "data--table-s3", String(repeating: "x", count: 101),
        "a%b",
    ])
    func refusesBucketNamesThatTheReferenceRefuses(name: String) {
        #expect { try BucketID(naming: name) } throws: { ($0 as? StorageError)?.code == .invalidBucketName }
    }

    @Test func aBucketOfAnOldDatabaseCanStillBeNamed() throws {
        #expect(try BucketID(existing: "Fotos für alle").rawValue == "Fotos für alle")
        #expect { try BucketID(existing: "nul\0") } throws: { ($0 as? StorageError)?.code == .bucketNotFound }
    }

    @Test(arguments: ["", "nul\0byte", String(repeating: "é", count: 513)])
    func refusesKeysThatNoBackendCanHold(key: String) {
        #expect { try ObjectKey(key) } throws: { ($0 as? StorageError)?.code == .invalidKey }
    }

    @Test func aKeyMayHave1024Bytes() throws {
        #expect(try ObjectKey(String(repeating: "é", count: 512)).rawValue.utf8.count == 1024)
    }

    @Test func keysThatOnlyLookTheSameAreDifferent() throws {
        let (composed, decomposed) = (try ObjectKey("\u{E9}"), try ObjectKey("e\u{301}"))

        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(BucketID(stored: "\u{E9}") != BucketID(stored: "e\u{301}"))
    }

    @Test func keysAreOrderedByTheirBytes() throws {
        let keys = try ["b", "a", "é", "Z", "a/b", "a.b"].map { try ObjectKey($0) }

        #expect(keys.sorted().map(\.rawValue) == ["Z", "a", "a.b", "a/b", "b", "é"])
    }

    @Test(arguments: ["folder/special file @+$,;=?.txt", "a///b", "a.b", "..a", "a../b"])
    func thePortableAlphabetAllowsWhatSupabaseAllows(key: String) throws {
        #expect(KeyAlphabet.portable.allows(try ObjectKey(key)))
    }

    @Test(arguments: ["naïve.txt", "a#b", "a%b", "a[b]", "a\\b", "a|b", "~a", "a\nb", "../etc/passwd", "a/./b", ".."])
    func thePortableAlphabetRefusesWhatSupabaseRefuses(key: String) throws {
        let key = try ObjectKey(key)

        #expect(!KeyAlphabet.portable.allows(key))
        #expect(KeyAlphabet.utf8.allows(key))
    }
}
