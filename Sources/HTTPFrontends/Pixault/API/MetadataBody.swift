// SPDX-License-Identifier: Apache-2.0

import MediaCore

/// Changes to metadata as clients send them. A null says nothing: clients of strict languages send every field.
struct MetadataBody {
    let fields: [String: RequestValue]

    init(_ fields: [String: RequestValue]) { self.fields = fields }

    func text(_ name: String) throws(PixaultProblem) -> String? {
        switch fields[name] {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw .invalid(name, "must be text")
        }
    }

    func number(_ name: String) throws(PixaultProblem) -> Double? {
        switch fields[name] {
        case nil, .null: return nil
        case .number(let number): return number
        default: throw .invalid(name, "must be a number")
        }
    }

    func integer(_ name: String) throws(PixaultProblem) -> Int? {
        guard let number = try number(name) else { return nil }
        guard let integer = Int(exactly: number) else { throw .invalid(name, "must be a whole number") }
        return integer
    }

    func boolean(_ name: String) throws(PixaultProblem) -> Bool? {
        switch fields[name] {
        case nil, .null: return nil
        case .bool(let value): return value
        default: throw .invalid(name, "must be true or false")
        }
    }

    func date(_ name: String) throws(PixaultProblem) -> Timestamp? {
        guard let text = try text(name) else { return nil }
        guard let date = DateText.read(text) else { throw .invalid(name, "must be a date, as 2026-02-03T08:15:00Z") }
        return date
    }

    func texts(_ name: String) throws(PixaultProblem) -> [String]? {
        switch fields[name] {
        case nil, .null: return nil
        case .array(let items):
            var texts: [String] = []
            for item in items {
                guard case .string(let text) = item else { throw .invalid(name, "must be a list of texts") }
                texts.append(text)
            }
            return texts
        default: throw .invalid(name, "must be a list of texts")
        }
    }

    func pairs(_ name: String) throws(PixaultProblem) -> [String: String]? {
        switch fields[name] {
        case nil, .null: return nil
        case .object(let members):
            var pairs: [String: String] = [:]
            for (member, value) in members {
                guard case .string(let text) = value else { throw .invalid(name, "must be an object of texts") }
                pairs[member] = text
            }
            return pairs
        default: throw .invalid(name, "must be an object of texts")
        }
    }
}

extension AssetChanges {
    /// - Throws: `PixaultProblem` that names the first field that is wrong; `StorageError` for a folder that is none.
    init(_ body: MetadataBody) throws {
        self.init()
        name = try body.text("name")
        description = try body.text("description")
        caption = try body.text("caption")
        category = try body.text("category")
        folder = try body.text("folder").map { try FolderPath($0) }
        author = try body.text("author")
        copyrightHolder = try body.text("copyrightHolder")
        copyrightYear = try body.integer("copyrightYear")
        license = try body.text("license")
        locationName = try body.text("locationName")
        latitude = try body.number("locationLatitude")
        longitude = try body.number("locationLongitude")
        keywords = try body.texts("keywords")
        dateCreated = try body.date("dateCreated")
        datePublished = try body.date("datePublished")
        representativeOfPage = try body.boolean("representativeOfPage")
        exif = try body.pairs("exifData")
        tags = try body.pairs("tags")
        customID = try body.text("customId")
    }
}
