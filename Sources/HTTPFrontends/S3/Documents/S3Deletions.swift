// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// `Delete`: many objects to be deleted at once.
struct S3DeletionRequest {
    static let maxObjects = 1000

    struct Object: Hashable {
        /// As sent; what can't be a key names nothing.
        var key: String
        var versionID: String?
        var eTag: String?
        var size: Int64?
        var lastModified: Timestamp?
    }

    let objects: [Object]
    /// Whether only failures are told.
    let isQuiet: Bool

    /// - Throws: `S3Error.malformedXML`.
    init(_ tree: XMLTree) throws(S3Error) {
        let list = tree.all("Object")
        guard tree.name == "Delete", (1...Self.maxObjects).contains(list.count) else { throw .malformedXML }
        var objects: [Object] = []
        for item in list {
            guard let key = item["Key"]?.text, !key.isEmpty else { throw .malformedXML }
            var object = Object(key: key, versionID: item["VersionId"]?.text, eTag: item["ETag"]?.text)
            if let text = item["Size"]?.text {
                guard let size = Int64(text) else { throw .malformedXML }
                object.size = size
            }
            if let text = item["LastModifiedTime"]?.text {
                guard let time = Timestamp(httpDate: text) ?? Timestamp(iso8601: text) else { throw .malformedXML }
                object.lastModified = time
            }
            objects.append(object)
        }
        self.objects = objects
        isQuiet = tree["Quiet"]?.text.lowercased() == "true"
    }
}

/// `DeleteResult`.
struct S3DeletionResult {
    enum Item {
        /// The outcome is nil when there was nothing to delete.
        case deleted(key: String, versionID: String?, DeletionOutcome?)
        case failed(key: String, versionID: String?, S3Error)
    }

    let items: [Item]
    let isQuiet: Bool

    var document: XMLWriter {
        var xml = XMLWriter(capacity: 512 + items.count * 96)
        xml.element("DeleteResult", namespace: XMLWriter.s3Namespace) { xml in
            for item in items { write(item, to: &xml) }
        }
        return xml
    }

    private func write(_ item: Item, to xml: inout XMLWriter) {
        switch item {
        case .deleted(let key, let versionID, let outcome):
            guard !isQuiet else { return }
            xml.element("Deleted") { xml in
                xml.element("Key", text: key)
                if let versionID { xml.element("VersionId", text: versionID) }
                // Of a marker that was written, and of one that was removed.
                if let marker = outcome?.marker?.description ?? (outcome?.removedMarker == true ? versionID : nil) {
                    xml.element("DeleteMarker", text: "true")
                    xml.element("DeleteMarkerVersionId", text: marker)
                }
            }
        case .failed(let key, let versionID, let error):
            xml.element("Error") { xml in
                xml.element("Key", text: key)
                if let versionID { xml.element("VersionId", text: versionID) }
                xml.element("Code", text: error.code)
                xml.element("Message", text: error.message)
            }
        }
    }
}
