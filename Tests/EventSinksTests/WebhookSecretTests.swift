// SPDX-License-Identifier: Apache-2.0

import MediaCore
import Testing

@testable import EventSinks

struct WebhookSecretTests {
    private struct Holder {
        var webhook: Webhook.Configuration
        var other: Webhook.Configuration?
    }

    @Test func nothingThatHoldsAWebhookShowsItsSecrets() {
        let webhook = Webhook.Configuration(
            url: "https://example.org/?key=hidden", apiKey: "hidden", secret: "hidden", region: "", host: "")
        let holder = Holder(webhook: webhook, other: webhook)
        var dumped = ""
        dump(holder, to: &dumped)

        for text in ["\(webhook)", "\(holder)", String(reflecting: holder), dumped] { #expect(!text.contains("hidden")) }
    }
}
