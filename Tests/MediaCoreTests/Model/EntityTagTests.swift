// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct EntityTagTests {
    @Test(arguments: ["\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\"", "\"x\" , W/\"abc\" ", "abc", "x, abc"])
    func matchesByWeakComparison(field: String) {
        #expect(EntityTag.matches(field, "\"abc\""))
    }

    @Test(arguments: ["", "\"ABC\"", "\"abcd\"", "\"ab\", \"c\"", ",,,", "\"abc", "W/"])
    func doesNotMatchOtherTags(field: String) {
        #expect(!EntityTag.matches(field, "\"abc\""))
    }

    @Test func aCommaInsideATagDoesNotSplitIt() {
        #expect(EntityTag.matches("\"a,b\"", "\"a,b\""))
        #expect(!EntityTag.matches("\"a,b\"", "\"a\""))
    }

    @Test func aListIsReadAsItWasSent() {
        #expect(EntityTag.list("\"a,b\" , W/\"c\",d ,*") == ["\"a,b\"", "W/\"c\"", "d", "*"])
        #expect(EntityTag.list(" ,\t") == [])
    }

    @Test func weakTagsAreNeverStronglyTheSame() {
        #expect(EntityTag.isStrong("\"a\"", sameAs: "\"a\"") && EntityTag.isStrong("a", sameAs: "\"a\""))
        #expect(!EntityTag.isStrong("W/\"a\"", sameAs: "\"a\"") && !EntityTag.isStrong("\"a\"", sameAs: "W/\"a\""))
    }
}
