// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Testing
import WireFormats

@testable import HTTPFrontends

struct EmbedMarkupTests {
    private static func html(_ query: String, asset: String = "img_1") throws -> String {
        try EmbedMarkup(QueryParameters(parsing: query)).html(origin: "https://i.example", project: "shop", asset: asset)
    }

    @Test func aPictureOffersTheBestFormatsInEverySize() throws {
        let root = "https://i.example/shop/img_1"
        #expect(
            try Self.html("alt=A+cat&widths=800,400&class=hero") == """
                <picture>
                  <source type="image/avif" srcset="\(root)/w_400.avif 400w, \(root)/w_800.avif 800w" sizes="100vw">
                  <source type="image/webp" srcset="\(root)/w_400.webp 400w, \(root)/w_800.webp 800w" sizes="100vw">
                  <img src="\(root)/w_800.jpg" alt="A cat" width="800" loading="lazy" decoding="async" class="hero" \
                style="background:url(&quot;\(root)/w_40,q_20,blur_10.webp&quot;) center/cover no-repeat">
                </picture>

                """)
    }

    @Test func anImageLeavesTheFormatToTheReader() throws {
        let html = try Self.html("style=img&widths=400&loading=eager&t=card&sizes=50vw", asset: "a/sun set.jpg")
        let url = "https://i.example/shop/t_card,w_400/a/sun%20set.jpg.auto"

        #expect(
            html.hasPrefix("<img src=\"\(url)\" srcset=\"\(url) 400w\" sizes=\"50vw\" alt=\"\" width=\"400\" loading=\"eager\""))
        #expect(!html.contains("<picture>"))
    }

    @Test func itsUrlsAreDeliveryUrlsOfTheAsset() throws {
        for asset in ["img_1", "a/b c.jpg", "ünï,\"'&<>.png", "x y(z)"] {
            let html = try Self.html("style=img&widths=9", asset: asset)
            let url = html.split(separator: "\"")[1].dropFirst("https://i.example".count)
            #expect(DeliveryTarget(url)?.readings.first?.key == asset)
        }
    }

    @Test func whatPagesSendStaysText() throws {
        let evil = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%26'"
        let html = try Self.html("alt=\(evil)&class=\(evil)&sizes=\(evil)", asset: "\"><script>alert(1)</script>&'")

        #expect(!html.contains("<script"))
        #expect(html.contains("alt=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;\""))
        #expect(html.filter { $0 == "<" }.count == 5)
    }

    @Test(
        arguments: [
            ("widths=0", "widths"), ("widths=", "widths"), ("widths=5000", "widths"), ("widths=a", "widths"),
            ("loading=now", "loading"),
            ("style=div", "style"), ("t=A", "t"), ("alt=a%0Ab", "alt"), ("class=%00", "class"),
            ("widths=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "widths"),
        ])
    func aWrongParameterIsRefusedByItsName(query: String, name: String) {
        let error = #expect(throws: PixaultProblem.self) { try Self.html(query) }

        #expect(error?.status == .badRequest)
        #expect(error?.detail.hasPrefix(name + " ") == true)
    }
}
