// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore
import MediaTesting
import Testing

@testable import HTTPFrontends

struct ImageParametersTests {
    @Test func everyTokenIsRead() throws {
        let parameters = try ImageParameters(
            "t_card,w_400,h_300,fit_pad,q_80,blur_5,wm_logo_2,wm_pos_tile,wm_opacity_40,bg_remove,smart_crop,filter_sepia")

        #expect(parameters.preset == "card")
        #expect([parameters.width, parameters.height, parameters.quality, parameters.blur] == [400, 300, 80, 5])
        #expect(parameters.fit == .pad)
        #expect(parameters.watermark == "logo_2")
        #expect(parameters.watermarkPosition == .tile)
        #expect(parameters.watermarkOpacity == 40)
        #expect(
            parameters.plugins == [
                .init(.backgroundRemoval, value: "remove"), .init(.smartCrop, value: ""), .init(.filterPack, value: "sepia"),
            ])
    }

    @Test func ofTwoTokensOfOneKindTheLastCounts() throws {
        let parameters = try ImageParameters("w_100,t_a,bg_1,w_200,bg_9,t_b")

        #expect(parameters.description == "t_b,w_200,bg_9")
    }

    @Test func filtersAndDrawingsAddUp() throws {
        #expect(try ImageParameters("filter_warm,draw_a,filter_sepia").plugins.map(\.value) == ["warm", "a", "sepia"])
    }

    @Test func backgroundRemovalHasAnOlderName() throws {
        #expect(try ImageParameters("background-removal") == (try ImageParameters("bg_remove")))
    }

    @Test(
        arguments: [
            ("w_100,h_100", true), ("w_100,h_100,fit_cover", true), ("w_100,h_100,fit_fill", true), ("w_100,h_100,fit_pad", true),
            ("w_100,h_100,fit_contain", nil), ("w_100", nil), ("h_100,fit_fill", nil), ("t_a,w_100,h_100", nil),
        ] as [(String, Bool?)])
    func onlyABoxThatIsToBeFilledEnlarges(text: String, enlarges: Bool?) throws {
        #expect(try ImageParameters(text).request(format: .accepted).transform.enlarges == enlarges)
    }

    @Test(
        arguments: [
            "w_0", "w_4097", "w_-1", "w_+1", "w_1.5", "w_", "w_99999999999999999999", "h_a", "fit_inside", "fit_", "q_0", "q_101",
            "blur_0",
            "blur_101", "wm_", "wm_Logo", "wm_-a", "wm_pos_x", "wm_pos_diagonal", "wm_opacity_0", "wm_opacity_101", "t_", "t_-a",
            "t_A",
            "t_a_b", "nonsense", "bgx", "bg_é", "filter_", "draw_a/b", "",
        ])
    func aWrongTokenIsRefusedByItsName(token: String) {
        let error = #expect(throws: PixaultProblem.self) { try ImageParameters("w_1,\(token),h_1") }

        #expect(error?.status == .badRequest)
        #expect(error?.detail.hasPrefix(token + " ") == true, "\(error?.detail ?? "")")
    }

    @Test func everyListOfTokensReadsBackFromItsCanonicalForm() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<4_000 {
            let text = Self.random(&generator)
            let parameters = try ImageParameters(text)

            #expect(try ImageParameters(parameters.description) == parameters, "\(text)")
            #expect(ImageParameters.isMeant(by: text), "\(text)")
        }
    }

    @Test func whatIsNoListIsRefusedByTheNameOfAToken() throws {
        var generator = SeededGenerator(seed: 12)
        var refused = 0
        for _ in 0..<10_000 {
            let text = Mutation.of(Self.random(&generator), using: &generator)
            do {
                let parameters = try ImageParameters(text)
                #expect(try ImageParameters(parameters.description) == parameters, "\(text)")
            } catch {
                refused += 1
                let tokens = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
                    .map { String(Substring($0).prefix(64)) }
                #expect(tokens.contains { error.detail.utf8.starts(with: "\($0) ".utf8) }, "\(text): \(error.detail)")
            }
        }
        #expect(refused > 1_000)
    }

    static func random(_ generator: inout SeededGenerator) -> String {
        let tokens = [
            "t_card", "t_a-1", "w_1", "w_4096", "h_77", "fit_cover", "fit_contain", "fit_fill", "fit_pad", "q_1", "q_100",
            "blur_3", "wm_logo",
            "wm_0_x-y", "wm_pos_tl", "wm_pos_c", "wm_opacity_100", "bg_remove", "bg_12", "smart_crop", "smart_crop_face",
            "wt_corner-logo",
            "filter_sepia", "filter_brightness-1.2", "draw_rect-0-0-50p-20-ff0000-fill", "background-removal", "w_200",
        ]
        return (0...Int.random(in: 0...8, using: &generator)).compactMap { _ in tokens.randomElement(using: &generator) }
            .joined(separator: ",")
    }
}
