// SPDX-License-Identifier: Apache-2.0

import MediaTesting
import Testing

@testable import MediaCore

/// What a URL and the project's settings mean together.
struct TransformResolutionTests {
    private static let logo = WatermarkPicture(
        id: "logo", digest: "aa", mediaType: "image/png", size: 1, updatedAt: Timestamp(microseconds: 0))

    /// A preset of 320x240 in quality 78 with the logo, tiled.
    private static func settings(
        locked: Set<NamedTransform.Parameter> = [], plugins: Set<Plugin> = Set(Plugin.allCases),
        calls: [TransformRequest.PluginCall] = [], lockedPlugins: Set<Plugin> = [], mark: String? = "logo"
    ) -> ImageSettings {
        let transform = sized(320, 240) { $0.quality = 78 }
        let choice = mark.map { TransformRequest.WatermarkChoice(id: $0, position: .tile, opacity: 50) }
        let preset = NamedTransform(
            name: "card", request: TransformRequest(transform, watermark: choice, plugins: calls), lockedParameters: locked,
            lockedPlugins: lockedPlugins)
        return ImageSettings(presets: ["card": preset], watermarks: ["logo": logo], plugins: plugins)
    }

    private static func sized(_ width: Int?, _ height: Int? = nil, _ change: (inout Transform) -> Void = { _ in }) -> Transform {
        var transform = Transform()
        transform.width = width
        transform.height = height
        change(&transform)
        return transform
    }

    private static func resolve(
        _ request: TransformRequest, by settings: ImageSettings = settings(), limits: ImageLimits = ImageLimits()
    ) throws -> Transform {
        try request.resolved(by: settings, project: "shop", accepted: [], limits: limits)
    }

    private static func call(_ plugin: Plugin, _ value: String) -> TransformRequest.PluginCall { .init(plugin, value: value) }

    private static func failure(_ request: TransformRequest, by settings: ImageSettings = settings()) -> StorageError? {
        do {
            _ = try resolve(request, by: settings)
            return nil
        } catch {
            return error as? StorageError
        }
    }

    // MARK: Presets

    @Test func theURLWinsOverThePreset() throws {
        let transform = try Self.resolve(
            TransformRequest(Self.sized(400) { $0.blur = FixedPoint(3) }, preset: "card", watermark: .init(opacity: 10)))
        #expect(transform.width == 400 && transform.height == 240 && transform.quality == 78 && transform.blur == FixedPoint(3))
        #expect(transform.watermark == Watermark(.picture(digest: "aa"), position: .tile, opacity: 10))
    }

    @Test func whatIsLockedIsAsThePresetSays() throws {
        let settings = Self.settings(locked: [.width, .fitMode, .blur, .watermarkId, .watermarkPosition, .watermarkOpacity])
        let url = Self.sized(4000, 100) { transform in
            transform.fit = .pad
            transform.blur = FixedPoint(3)
            transform.quality = 5
        }
        let choice = TransformRequest.WatermarkChoice(id: "other", position: .topLeft, opacity: 1)
        let transform = try Self.resolve(TransformRequest(url, preset: "card", watermark: choice), by: settings)
        #expect(transform.width == 320 && transform.height == 100 && transform.fit == nil)
        #expect(transform.blur == nil && transform.quality == 5)
        #expect(transform.watermark == Watermark(.picture(digest: "aa"), position: .tile, opacity: 50))
    }

    @Test func aLockHoldsOnEveryScreen() throws {
        let request = TransformRequest(preset: "card", pixelRatio: FixedPoint(2))
        let transform = try Self.resolve(request, by: Self.settings(locked: [.width]))
        #expect(transform.width == 320 && transform.height == 480)
    }

    @Test func aPresetThatIsNotThereIsNamed() {
        let failure = Self.failure(TransformRequest(preset: "none"))
        #expect(failure?.code == .objectNotFound && failure?.resource == "none")
    }

    @Test func aPresetsBoxIsFilledUnlessTheURLSaysOtherwise() throws {
        #expect(try Self.resolve(TransformRequest(preset: "card")).enlarges == true)
        #expect(try Self.resolve(TransformRequest(Self.sized(nil) { $0.enlarges = false }, preset: "card")).enlarges == nil)
        #expect(try Self.resolve(TransformRequest(Self.sized(nil) { $0.fit = .contain }, preset: "card")).enlarges == nil)
    }

    // MARK: Watermarks

    @Test func aWatermarkIsBelowOnTheRightAndFaintUnlessSaidOtherwise() throws {
        let transform = try Self.resolve(TransformRequest(watermark: .init(id: "logo")))
        #expect(transform.watermark == Watermark(.picture(digest: "aa"), position: .bottomRight, opacity: 30))
    }

    @Test(arguments: [
        TransformRequest.WatermarkChoice(id: "none"), .init(position: .topLeft), .init(id: "logo", opacity: 0),
    ])
    func aWatermarkThatWouldNotBeSeenIsNone(_ choice: TransformRequest.WatermarkChoice) throws {
        #expect(try Self.resolve(TransformRequest(watermark: choice)) == Self.resolve(TransformRequest()))
    }

    @Test func anotherPictureIsAnotherTransform() throws {
        var settings = Self.settings()
        let request = TransformRequest(preset: "card")
        let before = try Self.resolve(request, by: settings)
        settings.watermarks["logo"]?.digest = "bb"
        let after = try Self.resolve(request, by: settings)
        #expect(before.fingerprint(revision: "1") != after.fingerprint(revision: "1"))
    }

    // MARK: Plugins

    @Test func everyPluginIsAStep() throws {
        let calls = [
            Self.call(.backgroundRemoval, "12"), Self.call(.smartCrop, "face"), Self.call(.filterPack, "sepia"),
            Self.call(.filterPack, "brightness-1.25"), Self.call(.watermarkTemplates, "diagonal-text"),
            Self.call(.draw, "rect-0-50p-10-12.5p-ff0000-fill"), Self.call(.draw, "circle-5-6-7-fff"),
            Self.call(.draw, "line-0-0-100p-100p-00ff0080"),
        ]
        let transform = try Self.resolve(TransformRequest(Self.sized(10, 10), plugins: calls))
        #expect(transform.backgroundRemoval == .threshold(12) && transform.gravity == .interest(.face))
        #expect(transform.filters == [.sepia, .brightness(FixedPoint(thousandths: 1250))])
        #expect(transform.watermark == Watermark(.text("shop"), position: .diagonal, opacity: 30))
        func part(_ thousandths: Int) -> ImageLength { .fraction(FixedPoint(thousandths: thousandths)) }
        #expect(
            transform.drawings == [
                Drawing(
                    .rectangle(x: .pixels(0), y: part(500), width: .pixels(10), height: part(125)),
                    color: Color(red: 255, green: 0, blue: 0), isFilled: true),
                Drawing(.circle(x: .pixels(5), y: .pixels(6), radius: .pixels(7)), color: .white, isFilled: false),
                Drawing(
                    .line(x1: .pixels(0), y1: .pixels(0), x2: part(1000), y2: part(1000)),
                    color: Color(red: 0, green: 255, blue: 0, alpha: 128), isFilled: false),
            ])
    }

    @Test(arguments: [
        (Plugin.backgroundRemoval, ""), (.backgroundRemoval, "0"), (.backgroundRemoval, "256"), (.backgroundRemoval, "+1"),
        (.backgroundRemoval, "99999999999999999999"), (.smartCrop, "corner"), (.watermarkTemplates, ""),
        (.watermarkTemplates, "other"),
        (.filterPack, ""), (.filterPack, "sepia-1"), (.filterPack, "brightness"), (.filterPack, "brightness-"),
        (.filterPack, "brightness--1"), (.filterPack, "brightness-11"), (.filterPack, "gamma-0"), (.draw, ""), (.draw, "rect"),
        (.draw, "rect-1-2-3-fff"), (.draw, "rect-1-2-3-4-5-fff"), (.draw, "rect-1-2-3-4-red"), (.draw, "rect--1-2-3-4-fff"),
        (.draw, "rect-1-2-3-101p-fff"), (.draw, "rect-1-2-3-4-fff-fill-fill"), (.draw, "line-1-2-3-4-fff-fill"),
        (.draw, "line-1-2-3-1000000-fff"), (.draw, "fill"), (.draw, "-----------"), (.draw, "circle-1-2-p-fff"),
    ])
    func aValueThatMeansNothingIsRefusedByName(_ plugin: Plugin, _ value: String) {
        let failure = Self.failure(TransformRequest(plugins: [Self.call(plugin, value)]))
        #expect(failure?.code == .invalidParameter && failure?.resource?.hasPrefix(plugin.rawValue) == true)
    }

    @Test func noValueOfAPluginEndsTheProcess() throws {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array("rectcirclelinefill-_.0123456789pabcdef\u{0}ü")
        for _ in 0..<20_000 {
            let value = String(
                (0..<Int.random(in: 0...40, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? "-" })
            for plugin in Plugin.allCases {
                let failure = Self.failure(TransformRequest(plugins: [Self.call(plugin, value)]))
                #expect(failure == nil || failure?.code == .invalidParameter)
            }
        }
    }

    @Test func aURLFailsByAPluginThatIsNotActiveAndAPresetGoesOn() throws {
        let calls = [Self.call(.filterPack, "sepia")]
        let settings = Self.settings(plugins: [.draw], calls: calls)
        #expect(Self.failure(TransformRequest(plugins: calls), by: settings)?.resource == "filter")
        #expect(try Self.resolve(TransformRequest(preset: "card"), by: settings).filters.isEmpty)
    }

    @Test func lockedPluginsAreCalledAsThePresetCallsThem() throws {
        let calls = [Self.call(.filterPack, "sepia")]
        let url = TransformRequest(
            preset: "card",
            plugins: [Self.call(.filterPack, "cool"), Self.call(.filterPack, "warm"), Self.call(.draw, "line-0-0-9-9-fff")])
        let open = try Self.resolve(url, by: Self.settings(calls: calls))
        #expect(open.filters == [.cool, .warm] && open.drawings.count == 1)
        let locked = try Self.resolve(url, by: Self.settings(calls: calls, lockedPlugins: [.filterPack, .draw]))
        #expect(locked.filters == [.sepia] && locked.drawings.isEmpty)
    }

    @Test func aLockedPositionHoldsForATemplateToo() throws {
        for template in ["diagonal-text", "corner-logo"] {
            let url = TransformRequest(preset: "card", plugins: [Self.call(.watermarkTemplates, template)])
            let locked = try Self.resolve(url, by: Self.settings(locked: [.watermarkPosition, .watermarkOpacity]))
            let free = try Self.resolve(url, by: Self.settings())

            #expect(locked.watermark?.position == .tile && locked.watermark?.opacity == 50)
            #expect(free.watermark?.position == (template == "corner-logo" ? .bottomRight : .diagonal))
        }
    }

    @Test func oneWatermarkIsLaidOnAndALockedOneStays() throws {
        let template = [Self.call(.watermarkTemplates, "diagonal-text")]
        let text = Watermark.Mark.text("shop")
        let logo = Watermark.Mark.picture(digest: "aa")
        func mark(_ request: TransformRequest, _ settings: ImageSettings) throws -> Watermark.Mark? {
            try Self.resolve(request, by: settings).watermark?.mark
        }
        #expect(try mark(TransformRequest(preset: "card", plugins: template), Self.settings()) == text)
        #expect(try mark(TransformRequest(preset: "card", plugins: template), Self.settings(locked: [.watermarkId])) == logo)
        let named = TransformRequest(preset: "card", watermark: .init(id: "logo"))
        #expect(try mark(named, Self.settings(calls: template, mark: nil)) == logo)
        #expect(try mark(named, Self.settings(calls: template, lockedPlugins: [.watermarkTemplates], mark: nil)) == text)
    }

    @Test func thereIsAnEndToPluginCalls() {
        let calls = Array(repeating: Self.call(.filterPack, "sepia"), count: 17)
        #expect(Self.failure(TransformRequest(plugins: calls))?.code == .invalidParameter)
        #expect(Self.failure(TransformRequest(plugins: Array(calls.dropLast()))) == nil)
    }

    // MARK: Limits

    @Test(arguments: [
        (100, 50, 2, 200, 100), (20_000, 10_000, 1, 1000, 500), (900, 900, 1, 894, 894), (900, 900, 4, 894, 894),
        (Int.max, Int.max, 4, 894, 894), (Int.max, 1, 4, 1000, 1), (-5, 0, 1, 1, 1),
    ])
    func sizesAreClampedInTheirRatio(_ width: Int, _ height: Int, _ ratio: Int, _ expectedWidth: Int, _ expectedHeight: Int)
        throws
    {
        let limits = ImageLimits(resultSide: 1000, resultPixels: 800_000)
        let request = TransformRequest(Self.sized(width, height), pixelRatio: FixedPoint(ratio))
        let transform = try Self.resolve(request, limits: limits)
        #expect(transform.width == expectedWidth && transform.height == expectedHeight)
    }

    @Test func oneSideIsClampedByItself() throws {
        let transform = try Self.resolve(TransformRequest(Self.sized(nil, 5000)), limits: ImageLimits(resultSide: 1000))
        #expect(transform.width == nil && transform.height == 1000)
    }
}
