// SPDX-License-Identifier: Apache-2.0

import MediaCore
import NIOCore
import WireFormats

/// The XML documents of Azure's blob service, as far as a store needs them.
enum AzureDocument {
    private static let limits = XMLReader.Limits(bytes: 8 << 20, depth: 16, elements: 200_000)

    /// The body of Put Block List.
    static func blockList(_ ids: [String]) -> ByteBuffer {
        var xml = XMLWriter()
        xml.element("BlockList") { xml in
            for id in ids { xml.element("Latest", text: id) }
        }
        return xml.buffer
    }

    /// The answer to List Blobs.
    static func page(_ document: ByteBuffer) throws(ServiceFailure) -> ObjectPage {
        let root: XMLTree
        do { root = try XMLTree(parsing: document, limits: limits) } catch {
            throw ServiceFailure(.malformed("an answer is no XML"))
        }
        guard root.name == "EnumerationResults", let blobs = root["Blobs"] else {
            throw ServiceFailure(.malformed("an answer is no list"))
        }
        var entries: [ObjectEntry] = []
        for blob in blobs.all("Blob") {
            guard let name = blob["Name"]?.text, let properties = blob["Properties"],
                let size = properties["Content-Length"].flatMap({ Int64($0.text) }),
                let date = properties["Last-Modified"].flatMap({ Timestamp(httpDate: $0.text) })
            else { throw ServiceFailure(.malformed("an entry of a list lacks a part")) }
            // Accounts with a hierarchical namespace list folders among the blobs.
            guard properties["ResourceType"]?.text != "directory" else { continue }
            entries.append(ObjectEntry(name: name, size: size, modifiedAt: date))
        }
        let next = root["NextMarker"]?.text
        return ObjectPage(entries: entries, next: next?.isEmpty == false ? next : nil)
    }
}
