// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// `Tagging`: the tags of an object or a bucket.
struct S3Tagging {
    let tags: TagSet

    init(_ tags: TagSet) { self.tags = tags }

    /// - Throws: `S3Error.malformedXML`; `StorageError` with code `.invalidTag`.
    init(_ tree: XMLTree, limit: TagSet.Limit) throws {
        guard tree.name == "Tagging", let set = tree["TagSet"] else { throw S3Error.malformedXML }
        var pairs: [TagSet.Pair] = []
        for tag in set.all("Tag") {
            guard let key = tag["Key"], let value = tag["Value"] else { throw S3Error.malformedXML }
            pairs.append(TagSet.Pair(name: key.text, value: value.text))
        }
        tags = try TagSet(pairs, limit: limit)
    }

    var document: XMLWriter {
        var xml = XMLWriter()
        xml.element("Tagging", namespace: XMLWriter.s3Namespace) { xml in
            xml.element("TagSet") { xml in
                for pair in tags.pairs {
                    xml.element("Tag") { xml in
                        xml.element("Key", text: pair.name)
                        xml.element("Value", text: pair.value)
                    }
                }
            }
        }
        return xml
    }
}
