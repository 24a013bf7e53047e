// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct KeyScopeTests {
    @Test(arguments: ["files:read", "files:list", "files:create", "files:update", "files:delete", "files:*", "*:read", "*:*"])
    func aScopeIsAKindOfThingsAndAnOperation(text: String) {
        #expect(KeyScope(text)?.rawValue == text)
    }

    @Test(arguments: [
        "", ":", "files", "files:", ":read", "files:read:more", "posts:read", "Files:read", "files:READ", "files: read",
    ])
    func whatIsNoneIsNone(text: String) {
        #expect(KeyScope(text) == nil)
    }

    @Test func eachAllowsItsOwnAndAStarAllowsAll() {
        for operation in KeyScope.FileOperation.allCases {
            for other in KeyScope.FileOperation.allCases {
                #expect(KeyScope(stored: "files:\(operation.rawValue)").allows(other) == (operation == other))
            }
            #expect(KeyScope(stored: "files:*").allows(operation) && KeyScope(stored: "*:*").allows(operation))
            #expect(KeyScope(stored: "*:\(operation.rawValue)").allows(operation))
        }
    }

    @Test(arguments: ["posts:*", "posts:read", "", "everything", "files:read:*"])
    func whatAnotherVersionMeantAllowsNothing(text: String) {
        for operation in KeyScope.FileOperation.allCases { #expect(!KeyScope(stored: text).allows(operation)) }
    }
}
