// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore
import WireFormats

/// Uploads of media of every sort.
extension PixaultAPICall {
    private static let maxParts = 32

    func upload(to project: BucketID, as caller: Caller) async throws -> Response {
        try await storage.projects.admitUpload(by: caller.principal)
        guard let type = request.headers[.contentType], MultipartBoundary.isForm(contentType: type) else {
            throw PixaultProblem(.badRequest, "An upload is a form: multipart/form-data with a part called file")
        }
        let boundary: MultipartBoundary
        do { boundary = try MultipartBoundary(contentType: type) } catch { throw UploadTexts.error(error) }
        let form = StreamedForm(
            boundary: boundary, body: request.byteStream(context), texts: UploadTexts(folder: try queryParameters()["folder"]),
            maxParts: Self.maxParts, maxFieldBytes: AssetChanges.maxTextBytes)
        guard let file = try await form.file() else { throw PixaultProblem(.badRequest, "The form has no part called file") }
        let upload = AssetUpload(
            body: file.body, fileName: file.texts.fileName, options: try file.texts.options(),
            lateOptions: { try file.late().options() },
            isReservedName: { PixaultNames.isReserved($0) })
        do {
            let uploaded = try await storage.assets.upload(upload, in: project, as: caller)
            return Self.json(Self.document(of: uploaded), status: .created)
        } catch let error as StorageError where error.code == .unreadableImage || error.code == .imageTooLarge {
            // The type is one that is taken; this file of it is broken, or has too many pixels.
            throw PixaultProblem(.unprocessableContent, error.message, cause: error)
        }
    }

    private static func document(of uploaded: UploadedAsset) -> String {
        let asset = uploaded.asset
        return JSONWriter.object { writer in
            writer.field("imageId", asset.id.rawValue)
            writer.field("publicId", asset.publicID)
            writer.field("url", "/\(asset.address.bucket)/\(asset.id)")
            writer.field("width", Int64(asset.facts.width))
            writer.field("height", Int64(asset.facts.height))
            writer.field("size", asset.facts.size)
            writer.field("isVideo", asset.facts.kind == .video)
            writer.field("isEps", asset.facts.kind == .document)
            writer.number("duration", asset.facts.duration)
            writer.field("thumbnailId", asset.thumbnailID?.rawValue)
            writer.field("processingJobId", uploaded.job?.rawValue)
        }
    }
}

/// The text fields of an upload, of which the last one of a name counts. Fields of other names are left alone.
private struct UploadTexts: FormTexts {
    private static let names: Set<String> = [
        "folder", "name", "description", "caption", "alt", "category", "keywords", "author", "stripExif", "overwrite", "customId",
    ]
    private static let longestFileName = 255

    private var texts: [String: String] = [:]
    private(set) var fileName: String?

    /// - Parameter folder: as the query says; a field replaces it.
    init(folder: String?) { texts["folder"] = folder }

    func limit(of name: String) -> Int { AssetChanges.maxTextBytes }

    mutating func set(_ name: String, _ value: [UInt8]?) throws {
        guard Self.names.contains(name) else { return }
        guard let value else {
            throw PixaultProblem.invalid(name, "is longer than \(AssetChanges.maxTextBytes) bytes")
        }
        guard let text = String(validating: value, as: UTF8.self) else { throw PixaultProblem.invalid(name, "is not in UTF-8") }
        texts[name] = text
    }

    mutating func begin(_ file: MultipartPartHeader) {
        let name = file.extendedFilename ?? file.filename ?? ""
        // Some clients send the whole path.
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last ?? ""
        let text = String(last.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(Self.longestFileName))
        fileName = text.isEmpty ? nil : text
    }

    /// - Throws: `PixaultProblem`, and `StorageError` for a folder that is none.
    func options() throws -> AssetOptions {
        var changes = AssetChanges()
        changes.folder = try texts["folder"].map { try FolderPath($0) }
        changes.name = texts["name"]
        changes.description = texts["description"]
        changes.caption = texts["caption"] ?? texts["alt"]
        changes.category = texts["category"]
        changes.author = texts["author"]
        changes.customID = texts["customId"]
        changes.keywords = texts["keywords"].map { list in
            list.split(separator: ",").map { String($0.trimming { $0 == " " || $0 == "\t" }) }.filter { !$0.isEmpty }
        }
        return AssetOptions(changes: changes, stripsMetadata: try flag("stripExif"), replaces: try flag("overwrite"))
    }

    private func flag(_ name: String) throws -> Bool {
        guard let text = texts[name], !text.isEmpty else { return false }
        guard let value = FormBoolean.read(text) else { throw PixaultProblem.invalid(name, "must be true or false") }
        return value
    }

    static func error(_ error: MultipartFormError) -> any Error {
        let detail =
            switch error {
            case .fieldTooLarge(let name): "The form field \(name.prefix(64)) is too long"
            case .invalidContentType, .malformedBoundary: "The boundary of the form is malformed"
            case .malformedHeader: "A part of the form has a malformed header"
            case .headerTooLarge: "A part of the form has too long a header"
            case .tooManyParts: "The form has too many parts"
            case .unsupportedTransferEncoding: "A part of the form is encoded in a way that is not read here"
            case .truncated: "The form ends too early"
            }
        return PixaultProblem(.badRequest, detail)
    }
}

extension Substring {
    /// Without the characters at both ends for which `isMargin` holds.
    fileprivate func trimming(_ isMargin: (Character) -> Bool) -> Substring {
        var text = drop(while: isMargin)
        while let last = text.last, isMargin(last) { text.removeLast() }
        return text
    }
}
