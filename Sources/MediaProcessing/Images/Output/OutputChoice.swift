// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// In which format an image is written.
enum OutputChoice: Hashable {
    case fixed(ImageFormat)
    /// PNG where the result is transparent, JPEG where not.
    case byTransparency

    init(_ choice: FormatChoice, of source: SourceFormat) {
        switch choice {
        case .fixed(let format): self = .fixed(format)
        case .accepted, .compatible, .source, .information:
            switch source {
            case .webp where choice == .source: self = .fixed(.webp)
            case .avif where choice == .source: self = .fixed(.avif)
            case .jxl where choice == .source: self = .fixed(.jxl)
            case .jpeg: self = .fixed(.jpeg)
            case .png: self = .fixed(.png)
            case .gif: self = .fixed(.gif)
            case .webp, .avif, .heic, .tiff, .jxl, .svg: self = .byTransparency
            }
        }
    }

    var keepsAnimation: Bool {
        switch self {
        case .fixed(let format): format.keepsAnimation
        case .byTransparency: false
        }
    }

    var keepsTransparency: Bool {
        switch self {
        case .fixed(let format): format.keepsTransparency
        case .byTransparency: true
        }
    }

    func format(of image: VipsImage) -> ImageFormat {
        switch self {
        case .fixed(let format): format
        case .byTransparency: image.hasAlpha ? .png : .jpeg
        }
    }

    /// How many pixels a result may have, all frames together.
    func mostPixels(_ limits: ImageLimits) -> Int {
        let most = limits.resultPixels / costOfAPixel
        return isSlow ? min(most, limits.slowPixels) : most
    }

    /// Whether the encoder takes a second for a few million pixels and can't be stopped.
    private var isSlow: Bool {
        switch self {
        case .fixed(.avif), .fixed(.gif), .fixed(.jxl): true
        case .fixed(.jpeg), .fixed(.png), .fixed(.webp), .fixed(.svg), .byTransparency: false
        }
    }

    /// How many pixels of a JPEG cost the encoder's memory and time of one of these: their limit is so much lower.
    private var costOfAPixel: Int {
        switch self {
        case .fixed(.jxl): 5
        case .fixed(.avif), .fixed(.gif): 2
        case .fixed(.jpeg), .fixed(.png), .fixed(.webp), .fixed(.svg), .byTransparency: 1
        }
    }

    /// The longest side that the format can store, in pixels.
    var longestSide: Int {
        switch self {
        case .fixed(.webp): 16383
        case .fixed(.avif): 16384
        case .fixed(.jpeg), .fixed(.gif), .byTransparency: 65500
        case .fixed(.png), .fixed(.jxl), .fixed(.svg): 1 << 20
        }
    }
}
