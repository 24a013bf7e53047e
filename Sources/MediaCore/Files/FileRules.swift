// SPDX-License-Identifier: Apache-2.0

import WireFormats

/// What files may be called, be of and weigh.
struct FileRules: Sendable {
    static let longestName = 255
    static let longestMediaType = 100
    /// Of `{project}/{key}`, in characters.
    static let longestKey = 500
    /// In pixels.
    static let longestSide = 1 << 20
    /// Of who owns a file, or has one shared with them, in bytes.
    static let longestSubject = 255

    let limits: Files.Limits

    /// - Parameter field: what the wire calls it.
    func requireName(_ name: String, field: String) throws(StorageError) {
        guard name.count <= Self.longestName, name.utf8.count <= 4 * Self.longestName else {
            throw .file(.nameTooLong, .invalidParameter, "A name has at most \(Self.longestName) characters", field: field)
        }
        let isName =
            name.unicodeScalars.contains { !$0.properties.isWhitespace && $0 != "." }
            && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.properties.generalCategory == .control }
        guard isName else {
            throw .file(.invalidName, .invalidParameter, "A name of a file is text without / and \\", field: field)
        }
    }

    /// A media type as it is kept: in lower case, with the parameters that came.
    func mediaType(_ text: String, field: String) throws(StorageError) -> String {
        guard text.utf8.count <= Self.longestMediaType else {
            throw .file(
                .mediaTypeTooLong, .invalidParameter, "A media type has at most \(Self.longestMediaType) characters", field: field
            )
        }
        let essence = MediaType.essence(of: text)
        let parts = essence.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(ByteSet.token.contains) }),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            throw .file(.invalidMediaType, .invalidParameter, "A media type is of the form type/subtype", field: field)
        }
        guard !limits.refusedTypes.contains(where: { Self.matches(essence, $0) }) else {
            throw .file(.mediaTypeRefused, .mediaTypeNotAllowed, "Files of this type are not taken", field: field)
        }
        return essence + text.dropFirst(essence.count)
    }

    func requireSize(_ size: Int64, of mediaType: String, inParts: Bool, field: String) throws(StorageError) {
        guard size >= 0 else {
            throw .file(.negativeSize, .invalidParameter, "A size is not negative", field: field)
        }
        guard size >= limits.leastBytes else {
            throw .file(.tooSmall, .invalidParameter, "A file has at least \(limits.leastBytes) bytes", field: field)
        }
        let most = mostBytes(of: mediaType, inParts: inParts)
        guard size <= most else {
            throw .file(.tooLarge, .tooLarge, "A file of this type has at most \(most) bytes", field: field)
        }
    }

    /// The most that a file of a type may have, in bytes.
    func mostBytes(of mediaType: String, inParts: Bool) -> Int64 {
        guard !inParts else { return limits.partsBytes }
        let essence = MediaType.essence(of: mediaType)
        if essence.hasPrefix("image/") { return limits.imageBytes }
        if essence.hasPrefix("video/") || essence.hasPrefix("audio/") { return limits.mediaBytes }
        return Self.documents.contains { Self.matches(essence, $0) } ? limits.documentBytes : limits.otherBytes
    }

    func requireDimensions(_ width: Int?, _ height: Int?) throws(StorageError) {
        for (field, side) in [("width", width), ("height", height)] {
            guard let side, !(0...Self.longestSide).contains(side) else { continue }
            throw .file(.invalidDimensions, .invalidParameter, "A side is a number of pixels", field: field)
        }
    }

    func requireMetadata(_ metadata: FileMetadata) throws(StorageError) {
        let json = metadata.json.rawValue
        guard json.utf8.count <= limits.metadataBytes else {
            throw .file(
                .invalidMetadata, .invalidParameter, "The metadata may have \(limits.metadataBytes) bytes as JSON",
                field: "metadata")
        }
        // No text of the database holds it. The app's own object may have it escaped.
        guard !json.utf8.contains(0), !json.contains("\\u0000") else {
            throw .file(.invalidMetadata, .invalidParameter, "The metadata must not hold U+0000", field: "metadata")
        }
    }

    func requireShares(_ subjects: [String]) throws(StorageError) {
        guard Set(subjects).count <= limits.shares else {
            throw .tooManyShares(limits.shares)
        }
        guard
            subjects.allSatisfy({
                (1...Self.longestSubject).contains($0.utf8.count) && !$0.utf8.contains { $0 < 0x20 || $0 == 0x7F }
            })
        else {
            throw .file(.invalidShares, .invalidParameter, "A file is shared with users by their ids", field: "sharedWith")
        }
    }

    /// Whether bytes that begin with `head` may be of the type that was declared. Of types that their bytes don't tell, all may.
    ///
    /// Pictures are only told from what is none: whoever renames a PNG `cat.jpg` means no harm, and browsers are told not to guess.
    static func mayBe(_ mediaType: String, _ head: some RandomAccessCollection<UInt8>) -> Bool {
        let essence = MediaType.essence(of: mediaType)
        let found = MediaKind(head)
        switch essence {
        case "image/svg+xml": return found == .svg
        case "image/jpeg", "image/jpg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/heif",
            "image/tiff",
            "image/jxl":
            return found.map { $0.isImage && $0 != .svg } ?? false
        case "video/mp4", "video/webm", "video/quicktime": return found?.isVideo ?? false
        default: return true
        }
    }

    // MARK: Keys

    /// The key of a file: what it was labelled, a name that nobody guesses, and what it is called.
    static func key(of id: FileID, label: FileLabel, name: String) -> ObjectKey {
        ObjectKey(stored: "\(label.rawValue)/\(id.rawValue)/\(normalised(name))")
    }

    /// The id in a key as `key` makes them. Nil in another.
    static func id(in key: ObjectKey) -> FileID? {
        let segments = key.rawValue.split(separator: "/", omittingEmptySubsequences: false)
        return segments.count == 3 ? FileID(String(segments[1])) : nil
    }

    /// A name for keys and URLs: lower-case ASCII letters, digits, `.`, `_` and `-`, without dots at its ends, at most 128 of them. What ends
    /// it stays when it gets too long: it tells of what type the file is.
    static func normalised(_ name: String) -> String {
        var bytes: [UInt8] = []
        for scalar in name.lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9", ".", "_", "-": bytes.append(UInt8(scalar.value))
            default: if scalar.properties.isWhitespace { bytes.append(UInt8(ascii: "-")) }
            }
        }
        let dot = UInt8(ascii: ".")
        while bytes.first == dot { bytes.removeFirst() }
        while bytes.last == dot { bytes.removeLast() }
        if bytes.isEmpty { return "file" }
        if bytes.count > longestSegment {
            let ending = bytes.lastIndex(of: dot).map { Array(bytes[$0...].prefix(16)) } ?? []
            bytes = bytes.prefix(longestSegment - ending.count) + ending
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let longestSegment = 128

    /// The object of `{project}/{key}`, which must be the project's.
    static func address(_ s3Key: String, in project: BucketID) throws(StorageError) -> ObjectAddress {
        guard s3Key.count <= longestKey else {
            throw .file(.keyTooLong, .invalidParameter, "A key has at most \(longestKey) characters", field: "s3Key")
        }
        let invalid = StorageError.file(.invalidKey, .invalidParameter, "The key is none of this project's", field: "s3Key")
        guard s3Key.utf8.starts(with: "\(project.rawValue)/".utf8) else { throw invalid }
        do {
            return ObjectAddress(
                bucket: project,
                key: try ObjectKey(String(Substring(s3Key.utf8.dropFirst(project.rawValue.utf8.count + 1)))))
        } catch {
            throw invalid
        }
    }

    // MARK: Media types

    /// Whether a type is the one of a pattern, or one of its kind: `text/html`, `image/*`, `application/vnd.ms-*`.
    private static func matches(_ essence: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? essence.hasPrefix(pattern.dropLast()) : essence == pattern
    }

    private static let documents = [
        "application/pdf", "application/msword", "application/rtf", "application/vnd.ms-*",
        "application/vnd.openxmlformats-officedocument.*", "application/vnd.oasis.opendocument.*",
    ]
}
