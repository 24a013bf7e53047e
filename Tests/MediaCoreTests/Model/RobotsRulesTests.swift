// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

struct RobotsRulesTests {
    @Test(arguments: [
        "all", "none", "max-snippet: 10, notranslate", "noindex,nofollow", "max-image-preview: large", "max-video-preview: -1",
        "googlebot: noindex", "otherbot: noindex, nofollow", "unavailable_after: Sun, 06 Nov 1994 08:49:37 GMT",
        "noindex, unavailable_after: 2026-01-01, nofollow", "bingbot: unavailable_after: Sun, 06 Nov 1994 08:49:37 GMT, none",
    ])
    func acceptsRulesThatCrawlersKnow(text: String) throws {
        #expect(try RobotsRules(text).rawValue == text)
    }

    @Test(arguments: [
        "", "NOINDEX", "noindex,", "max-snippet: -2", "max-image-preview: huge", "unavailable_after: someday", "bot: sub: none",
    ])
    func refusesEverythingElse(text: String) {
        #expect { try RobotsRules(text) } throws: { ($0 as? StorageError)?.code == .invalidRobotsRule }
    }

    @Test func namesTheRuleThatIsWrong() {
        #expect { try RobotsRules("noindex, invalidrule") } throws: {
            ($0 as? StorageError)?.message == "Invalid X-Robots-Tag header: Invalid X-Robots-Tag rule: \"invalidrule\""
        }
    }
}
