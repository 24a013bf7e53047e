// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// An image whose header was read and found to be within the limits. No pixel was decoded yet.
///
/// It borrows the encoded bytes: they outlive it and everything made of it. It stays on one thread.
struct ImageSource {
    let bytes: UnsafeRawBufferPointer
    let format: SourceFormat
    /// Of one frame, as it is stored.
    let size: PixelSize
    /// As the file says, read or not.
    let frames: Int
    let hasAlpha: Bool
    /// EXIF's number, 1...8.
    let orientation: Int
    /// Whether the decoder gives all pixels at once, so that all of them are in memory, some twice.
    private let isDecodedWhole: Bool
    /// Of one sample. Limits are in pixels of 8 bits a sample; others count so many times.
    private let sampleBytes: Int
    private let limits: ImageLimits
    /// As libvips names and writes the tags.
    private let exif: [String: String]
    /// What a drawing (SVG) is taken from. Nil for what has pixels of its own.
    private let drawing: Drawing?

    private struct Drawing {
        var document: SVGRoot
        var role: Drawings.Role
        var drawings: Drawings
    }

    /// A drawing. libvips never sees it: what it gets is a picture of it.
    init(_ document: SVGRoot, as role: Drawings.Role, in drawings: Drawings, limits: ImageLimits) {
        (bytes, format, self.limits) = (UnsafeRawBufferPointer(start: nil, count: 0), .svg, limits)
        (size, frames, hasAlpha, orientation) = (document.size, 1, true, 1)
        (isDecodedWhole, sampleBytes, exif) = (false, 1, [:])
        drawing = Drawing(document: document, role: role, drawings: drawings)
    }

    /// Reads the header of anything but a drawing.
    /// - Parameter readsEXIF: whether `facts` are to say what EXIF says.
    /// - Throws: `.unreadableImage`, `.imageTooLarge`.
    init(
        _ bytes: UnsafeRawBufferPointer, format: SourceFormat, limits: ImageLimits, readsEXIF: Bool = false
    ) throws(StorageError) {
        self.bytes = bytes
        self.limits = limits
        drawing = nil
        let bands: Int
        guard let loader = format.loader else { throw StorageError(.internal, "A drawing has no header") }
        do {
            let header = try VipsOperation(loader, ["buffer": .bytes(bytes), "fail-on": .choice("error")]).image()
            self.format = Self.refined(format, header)
            size = header.size
            frames = format.mayMove ? max(header.integer("n-pages") ?? 1, 1) : 1
            hasAlpha = header.hasAlpha
            isDecodedWhole = [.avif, .heic, .jxl, .webp, .gif].contains(format) || header.integer("interlaced") == 1
            (sampleBytes, bands) = (header.sampleBytes, header.bands)
            exif = readsEXIF ? header.exif : [:]
            let orientation = header.integer("orientation") ?? 1
            self.orientation = (1...8).contains(orientation) ? orientation : 1
        } catch {
            throw .unreadable(error)
        }
        // CMYK with a transparency is the most that any step knows what to do with.
        guard bands <= Self.mostBands else {
            throw StorageError(.unreadableImage, "The image has \(bands) samples a pixel; up to \(Self.mostBands) are read here")
        }
        guard size.width <= Self.mostBytesOfALine / (bands * sampleBytes) else {
            throw .imageTooLarge("A line of the image has more than the \(Self.mostBytesOfALine) bytes allowed")
        }
        try checkPixels(size, frames: 1)
    }

    private static let mostBands = 5
    /// Several lines of every step are in memory at a time, whatever the pixels of the whole image.
    private static let mostBytesOfALine = 64 << 20

    /// What kind of image these bytes are.
    /// - Throws: `.unreadableImage` when none that is read here; `.imageTooLarge` for too many bytes.
    static func format(of bytes: UnsafeRawBufferPointer, limits: ImageLimits) throws(StorageError) -> SourceFormat {
        guard bytes.count <= limits.sourceBytes else {
            throw .imageTooLarge("The image has more than the \(limits.sourceBytes) bytes allowed")
        }
        guard let format = SourceFormat(bytes) else {
            throw StorageError(.unreadableImage, "This is no JPEG, PNG, WebP, AVIF, HEIC, GIF, SVG, TIFF or JPEG XL image")
        }
        return format
    }

    var facts: ImageFacts {
        let shown = Orientation(exif: orientation).applied(to: size)
        return ImageFacts(
            format: format.rawValue, width: shown.width, height: shown.height, hasAlpha: hasAlpha, frames: frames,
            orientation: orientation, exif: exif)
    }

    /// How many frames are read of it when it is to move.
    func frames(moving: Bool) -> Int { moving ? min(frames, max(limits.frames, 1)) : 1 }

    /// Opens it for decoding, line by line from the top.
    ///
    /// - Parameters:
    ///   - frames: as many, one below the other.
    ///   - factor: how much smaller the pixels are needed. They come as small as the codec gives them for little, and at least as
    ///     large as that. A drawing (SVG) comes exactly so large, larger than its own size, too.
    /// - Throws: `.unreadableImage`, `.imageTooLarge`; `DrawingWanted`.
    func open(frames: Int = 1, factor: Double = 1) throws -> VipsImage {
        // What a drawing says of itself costs nothing; what it is drawn at does.
        let size = drawing == nil ? size : size.scaled(by: factor)
        try checkPixels(size, frames: frames)
        do {
            guard let drawing else { return try load(bytes, frames: frames, factor: factor) }
            return try Self.load(try drawing.drawings.picture(drawing.role, drawing.document, size: size), of: size)
        } catch let failure as VipsFailure {
            throw StorageError.unreadable(failure)
        }
    }

    /// A picture of a drawing, which a tool made that may have had its own mind.
    private static func load(_ picture: UnsafeRawBufferPointer, of size: PixelSize) throws(VipsFailure) -> VipsImage {
        let image = try VipsOperation(
            "pngload_buffer",
            ["buffer": .bytes(picture), "fail-on": .choice("error"), "access": .choice("sequential")]
        ).image()
        guard image.size == size else { throw VipsFailure(message: "the picture of the drawing is of another size") }
        // Where nothing shows through, the tool leaves it out.
        return try image.withAlpha()
    }

    private func load(_ bytes: UnsafeRawBufferPointer, frames: Int, factor: Double) throws(VipsFailure) -> VipsImage {
        let source = VipsOperation.Argument.bytes(bytes)
        guard let loader = format.loader else { throw VipsFailure(message: "no loader") }
        let (failing, access) = (VipsOperation.Argument.choice("error"), VipsOperation.Argument.choice("sequential"))
        switch format {
        case .jpeg:
            let shrink = [8, 4, 2].first { Double($0) * factor <= 1 } ?? 1
            return try VipsOperation(
                loader, ["buffer": source, "fail-on": failing, "access": access, "shrink": .integer(shrink)]
            ).image()
        case .webp where frames == 1 && factor < 1:
            // A pixel more than needed on each side, so that rounding never leaves too few.
            let least = Double(min(size.width, size.height))
            return try VipsOperation(
                loader,
                ["buffer": source, "fail-on": failing, "access": access, "scale": .number(min(factor + 1 / least, 1))]
            ).image()
        case .webp, .gif:
            return try VipsOperation(
                loader, ["buffer": source, "fail-on": failing, "access": access, "n": .integer(frames)]
            ).image()
        case .png, .avif, .heic, .tiff, .jxl, .svg:
            return try VipsOperation(loader, ["buffer": source, "fail-on": failing, "access": access]).image()
        }
    }

    private func checkPixels(_ size: PixelSize, frames: Int) throws(StorageError) {
        let (pixels, overflows) = size.pixels.multipliedReportingOverflow(by: frames)
        // Of several frames one is in memory at a time, and each has passed for itself.
        let most = (isDecodedWhole && frames == 1 ? limits.sourcePixels / 2 : limits.sourcePixels) / sampleBytes
        guard !overflows, pixels <= most else {
            let moving = frames > 1 ? " and \(frames) frames" : ""
            throw .imageTooLarge("The image has \(size.width) x \(size.height) pixels\(moving), more than the \(most) allowed")
        }
    }

    /// What is in a container for both HEVC and AV1 shows in its header only.
    private static func refined(_ format: SourceFormat, _ header: VipsImage) -> SourceFormat {
        guard format == .heic || format == .avif, let compression = header.text("heif-compression") else { return format }
        return compression == "av1" ? .avif : .heic
    }
}

extension StorageError {
    static func imageTooLarge(_ message: String) -> StorageError { StorageError(.imageTooLarge, message) }

    /// For what libvips can't read.
    static func unreadable(_ cause: VipsFailure) -> StorageError {
        StorageError(.unreadableImage, "The image is broken, incomplete or of a kind that is not read here", cause: cause)
    }
}
