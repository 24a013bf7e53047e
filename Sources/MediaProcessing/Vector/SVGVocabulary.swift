// SPDX-License-Identifier: Apache-2.0

// What a sanitised SVG may be made of. Everything here draws, groups or describes; nothing here runs, fetches or leads away.

/// What an element needs beyond being written.
enum SVGElementKind: Sendable {
    /// Holds elements; text in it is not shown and is left out.
    case container
    /// Holds text and elements.
    case text
    /// Holds text alone. HTML's parser would read anything else in it as HTML.
    case description
    case stylesheet
    /// Shows a picture that is embedded in it.
    case image
    /// Shows what its reference names once more.
    case reference
    /// Text along a path, which it refers to.
    case pathText
    case animation
    /// A step of a filter, which costs a pass over all pixels.
    case filterStep
    /// A gradient: what refers to it costs nothing to draw.
    case gradient
}

enum SVGVocabulary {
    static let namespace = "http://www.w3.org/2000/svg"
    static let linkNamespace = "http://www.w3.org/1999/xlink"

    static let elements: [String: SVGElementKind] = {
        var elements: [String: SVGElementKind] = [
            "image": .image, "feImage": .image, "style": .stylesheet, "title": .description, "desc": .description,
            "use": .reference, "pattern": .reference, "filter": .reference, "textPath": .pathText, "linearGradient": .gradient,
            "radialGradient": .gradient,
        ]
        for name in words(
            """
            svg g defs symbol switch marker clipPath mask stop
            path rect circle ellipse line polyline polygon
            feComponentTransfer feFuncA feFuncB feFuncG feFuncR feMergeNode feDistantLight fePointLight feSpotLight mpath
            """)
        {
            elements[name] = .container
        }
        for name in words("text tspan a") { elements[name] = .text }
        for name in words("animate animateMotion animateTransform") { elements[name] = .animation }
        for name in words(
            """
            feBlend feColorMatrix feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDropShadow feFlood
            feGaussianBlur feMerge feMorphology feOffset feSpecularLighting feTile feTurbulence
            """)
        {
            elements[name] = .filterStep
        }
        return elements
    }()

    /// What an attribute's value may be.
    enum AttributeKind: Sendable {
        /// Numbers, keywords and harmless functions.
        case plain
        /// The same, and `url(#id)`.
        case paint
        /// A name that others refer to, or a list of such.
        case identifier
        /// Anything: it is shown or read aloud.
        case freeText
        /// Numbers that cost time when they are large: larger ones become this.
        case bounded(Double)
        /// Of `svg`: a length that is taken for the size of the picture where it is the root.
        case length
        case viewBox
        /// `#id`, or the picture itself.
        case link
        case style
    }

    static func attribute(_ name: String) -> AttributeKind? { attributes[name] ?? (properties.contains(name) ? .plain : nil) }

    private static let attributes: [String: AttributeKind] = {
        var attributes: [String: AttributeKind] = [
            "style": .style, "href": .link, "viewBox": .viewBox, "width": .length, "height": .length,
            "numOctaves": .bounded(8), "stdDeviation": .bounded(500), "radius": .bounded(100), "order": .bounded(15),
            "systemLanguage": .freeText, "requiredExtensions": .freeText, "requiredFeatures": .freeText, "lang": .freeText,
            "role": .freeText, "aria-label": .freeText, "aria-hidden": .freeText, "aria-labelledby": .freeText,
            "aria-describedby": .freeText, "aria-roledescription": .freeText, "media": .freeText,
        ]
        for name in words("id class in in2 result type") { attributes[name] = .identifier }
        for name in referringProperties { attributes[name] = .paint }
        for name in words(
            """
            x y x1 y1 x2 y2 z dx dy cx cy r rx ry fx fy fr d points pathLength transform gradientTransform patternTransform
            offset gradientUnits spreadMethod patternUnits patternContentUnits clipPathUnits maskUnits maskContentUnits
            filterUnits primitiveUnits markerUnits markerWidth markerHeight refX refY orient preserveAspectRatio version
            rotate textLength lengthAdjust method spacing startOffset side
            attributeName attributeType begin dur end min max restart repeatCount repeatDur fill calcMode values keyTimes
            keySplines keyPoints from to by additive accumulate path origin
            amplitude azimuth baseFrequency bias diffuseConstant divisor edgeMode elevation exponent intercept k1 k2 k3 k4
            kernelMatrix limitingConeAngle mode operator pointsAtX pointsAtY pointsAtZ preserveAlpha scale seed slope
            specularConstant specularExponent stitchTiles surfaceScale tableValues targetX targetY xChannelSelector
            yChannelSelector
            """) where attributes[name] == nil
        {
            attributes[name] = .plain
        }
        return attributes
    }()

    /// Properties whose value may refer to an element.
    static let referringProperties = inheritedReferences.union(["filter", "clip-path", "mask"])
    /// Those that the elements inside draw with as well.
    static let inheritedReferences: Set<String> = ["fill", "stroke", "marker", "marker-start", "marker-mid", "marker-end"]

    /// Properties of CSS that a style may set. None of them loads anything when its value holds no address.
    static let properties: Set<String> = referringProperties.union(
        words(
            """
            alignment-baseline animation animation-delay animation-direction animation-duration animation-fill-mode
            animation-iteration-count animation-name animation-play-state animation-timing-function backface-visibility
            background-color baseline-shift clip clip-rule color color-interpolation color-interpolation-filters
            color-rendering cursor cx cy d direction display dominant-baseline enable-background fill-opacity fill-rule
            flood-color flood-opacity font font-family font-feature-settings font-kerning font-size font-size-adjust
            font-stretch font-style font-variant font-variant-alternates font-variant-caps
            font-variant-east-asian font-variant-ligatures font-variant-numeric font-variant-position
            font-variation-settings font-weight glyph-orientation-horizontal glyph-orientation-vertical height
            image-rendering inline-size isolation kerning letter-spacing lighting-color line-height mask-type mix-blend-mode
            offset-distance offset-path offset-rotate opacity overflow paint-order perspective perspective-origin
            pointer-events r rotate rx ry scale shape-rendering solid-color solid-opacity stop-color stop-opacity
            stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width
            text-align text-anchor text-decoration text-decoration-color text-decoration-line text-decoration-style
            text-indent text-orientation text-overflow text-rendering text-transform transform transform-box
            transform-origin transform-style transition transition-delay transition-duration transition-property
            transition-timing-function translate unicode-bidi vector-effect vertical-align visibility white-space width
            will-change word-spacing writing-mode x y
            """))

    /// Functions of CSS and of transforms that compute from what is between their parentheses.
    static let functions: Set<String> = Set(
        words(
            """
            rgb rgba hsl hsla hwb lab lch oklab oklch color color-mix calc min max clamp var
            matrix matrix3d translate translatex translatey translatez translate3d scale scalex scaley scalez scale3d
            rotate rotatex rotatey rotatez rotate3d skew skewx skewy perspective
            cubic-bezier steps linear path circle ellipse inset polygon rect
            blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia
            """))

    /// Attributes that an animation may change, besides those of `properties` that refer to nothing.
    static let animatable: Set<String> = Set(
        words(
            """
            x1 y1 x2 y2 dx dy fx fy points offset gradientTransform patternTransform viewBox startOffset refX refY
            stdDeviation baseFrequency scale k1 k2 k3 k4 values slope intercept amplitude exponent azimuth elevation
            specularExponent surfaceScale seed pathLength markerWidth markerHeight orient textLength
            """))

    private static func words(_ text: String) -> [String] {
        text.split { $0.isWhitespace }.map(String.init)
    }
}
