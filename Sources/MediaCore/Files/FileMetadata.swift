// SPDX-License-Identifier: Apache-2.0

/// What people say of a file.
public struct FileMetadata: Hashable, Sendable {
    /// Free text, and nothing to do with the label.
    public var category: String?
    public var tags: [String]?
    public var description: String?
    /// Stands for an image where it can't be seen.
    public var alt: String?
    public var relatedEntityID: String?
    /// An object that is the app's own. Not looked into.
    public var custom: JSONText?

    public init(
        category: String? = nil, tags: [String]? = nil, description: String? = nil, alt: String? = nil,
        relatedEntityID: String? = nil, custom: JSONText? = nil
    ) {
        self.category = category
        self.tags = tags
        self.description = description
        self.alt = alt
        self.relatedEntityID = relatedEntityID
        self.custom = custom
    }

    /// What everybody sees who may see the file.
    var publicPart: FileMetadata { FileMetadata(tags: tags, description: description, alt: alt) }

    /// In the words of the wire and of the database. What is not set is not in it.
    public var json: JSONText {
        JSONText(
            trusted: JSONWriter.object { writer in
                if let category { writer.field("category", category) }
                if let tags {
                    writer.key("tags")
                    writer.array(tags) { $0.string($1) }
                }
                if let description { writer.field("description", description) }
                if let alt { writer.field("alt", alt) }
                if let relatedEntityID { writer.field("relatedEntityId", relatedEntityID) }
                if let custom { writer.field("custom", custom) }
            })
    }
}

/// What a change does to one field.
public enum FieldChange<Value: Hashable & Sendable>: Hashable, Sendable {
    case keep
    case set(Value)
    case remove

    func applied(to value: inout Value?) {
        switch self {
        case .keep: break
        case .set(let new): value = new
        case .remove: value = nil
        }
    }
}

/// A change of what people say of a file: field by field, each as a whole.
public struct FileMetadataPatch: Hashable, Sendable {
    public var category: FieldChange<String>
    public var tags: FieldChange<[String]>
    public var description: FieldChange<String>
    public var alt: FieldChange<String>
    public var relatedEntityID: FieldChange<String>
    public var custom: FieldChange<JSONText>

    public init(
        category: FieldChange<String> = .keep, tags: FieldChange<[String]> = .keep, description: FieldChange<String> = .keep,
        alt: FieldChange<String> = .keep, relatedEntityID: FieldChange<String> = .keep, custom: FieldChange<JSONText> = .keep
    ) {
        self.category = category
        self.tags = tags
        self.description = description
        self.alt = alt
        self.relatedEntityID = relatedEntityID
        self.custom = custom
    }

    /// What becomes of `metadata`.
    public func applied(to metadata: FileMetadata) -> FileMetadata {
        var changed = metadata
        category.applied(to: &changed.category)
        tags.applied(to: &changed.tags)
        description.applied(to: &changed.description)
        alt.applied(to: &changed.alt)
        relatedEntityID.applied(to: &changed.relatedEntityID)
        custom.applied(to: &changed.custom)
        return changed
    }
}

/// A change of a file. What is nil stays.
public struct FilePatch: Hashable, Sendable {
    public var originalName: String?
    public var visibility: FileVisibility?
    public var metadata: FileMetadataPatch?
    /// All with whom it is shared from now on.
    public var sharedWith: [String]?

    public init(
        originalName: String? = nil, visibility: FileVisibility? = nil, metadata: FileMetadataPatch? = nil,
        sharedWith: [String]? = nil
    ) {
        self.originalName = originalName
        self.visibility = visibility
        self.metadata = metadata
        self.sharedWith = sharedWith
    }
}
