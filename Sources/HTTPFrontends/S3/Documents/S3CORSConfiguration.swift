// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// `CORSConfiguration`.
struct S3CORSConfiguration {
    let rules: [CORSRule]

    init(_ rules: [CORSRule]) { self.rules = rules }

    /// - Throws: `S3Error.malformedXML`; `StorageError` with code `.invalidRequest` for a rule that can't be.
    init(_ tree: XMLTree) throws {
        let list = tree.all("CORSRule")
        guard tree.name == "CORSConfiguration", (1...CORSRule.maxRules).contains(list.count) else { throw S3Error.malformedXML }
        rules = try list.map { item in
            var maxAge: Int?
            if let text = item["MaxAgeSeconds"]?.text {
                guard let seconds = Int(text), seconds >= 0 else { throw S3Error.malformedXML }
                maxAge = seconds
            }
            let rule = CORSRule(
                id: item["ID"]?.text, allowedOrigins: item.all("AllowedOrigin").map(\.text),
                allowedMethods: item.all("AllowedMethod").map(\.text), allowedHeaders: item.all("AllowedHeader").map(\.text),
                exposedHeaders: item.all("ExposeHeader").map(\.text), maxAge: maxAge)
            try rule.check()
            return rule
        }
    }

    var document: XMLWriter {
        var xml = XMLWriter()
        xml.element("CORSConfiguration", namespace: XMLWriter.s3Namespace) { xml in
            for rule in rules {
                xml.element("CORSRule") { xml in
                    if let id = rule.id { xml.element("ID", text: id) }
                    for origin in rule.allowedOrigins { xml.element("AllowedOrigin", text: origin) }
                    for method in rule.allowedMethods { xml.element("AllowedMethod", text: method) }
                    for header in rule.allowedHeaders { xml.element("AllowedHeader", text: header) }
                    for header in rule.exposedHeaders { xml.element("ExposeHeader", text: header) }
                    if let maxAge = rule.maxAge { xml.element("MaxAgeSeconds", text: String(maxAge)) }
                }
            }
        }
        return xml
    }
}
