// SPDX-License-Identifier: Apache-2.0

import MediaCore
import WireFormats

/// `LifecycleConfiguration`.
struct S3Lifecycle {
    let rules: [LifecycleRule]

    init(_ rules: [LifecycleRule]) { self.rules = rules }

    /// - Throws: `S3Error.malformedXML`, `NotImplemented` for moves to another storage class; `StorageError` with code
    ///   `.invalidRequest` for rules that can't be.
    init(_ tree: XMLTree) throws {
        let list = tree.all("Rule")
        guard tree.name == "LifecycleConfiguration", (1...LifecycleRule.maxRules).contains(list.count) else {
            throw S3Error.malformedXML
        }
        var rules: [LifecycleRule] = []
        for item in list { rules.append(try Self.rule(item)) }
        guard Set(rules.map(\.id)).count == rules.count else {
            throw S3Error.invalidArgument("ID", "", "Rule ID must be unique. Found same ID for one or more rules.")
        }
        try LifecycleRule.check(rules)
        self.rules = rules
    }

    private static func rule(_ item: XMLTree) throws -> LifecycleRule {
        guard item["Transition"] == nil, item["NoncurrentVersionTransition"] == nil else {
            throw S3Error.notImplemented("transitions between storage classes")
        }
        let isEnabled: Bool
        switch item["Status"]?.text {
        case "Enabled": isEnabled = true
        case "Disabled": isEnabled = false
        default: throw S3Error.malformedXML
        }
        let id = item["ID"]?.text ?? ""
        guard id.unicodeScalars.count <= LifecycleRule.maxIDLength else {
            throw S3Error.invalidArgument("ID", id, "ID length should not exceed allowed limit of 255")
        }
        return LifecycleRule(
            id: id.isEmpty ? ObjectVersion().rawValue : id, isEnabled: isEnabled, filter: try filter(item),
            expiration: try expiration(item), noncurrent: try noncurrent(item),
            abortIncompleteAfter: try item["AbortIncompleteMultipartUpload"].map {
                try days($0, "DaysAfterInitiation")
            })
    }

    /// A prefix beside the actions is the old form of a filter.
    private static func filter(_ item: XMLTree) throws -> LifecycleRule.Filter {
        guard let outer = item["Filter"] else {
            guard let prefix = item["Prefix"]?.text else { throw S3Error.malformedXML }
            return LifecycleRule.Filter(prefix: prefix, form: .prefix)
        }
        guard item["Prefix"] == nil else { throw S3Error.malformedXML }
        let inner = outer["And"] ?? outer
        var result = LifecycleRule.Filter(prefix: inner["Prefix"]?.text ?? "")
        for tag in inner.all("Tag") {
            guard let key = tag["Key"]?.text, let value = tag["Value"]?.text, result.tags.updateValue(value, forKey: key) == nil
            else { throw S3Error.malformedXML }
        }
        result.largerThan = try inner["ObjectSizeGreaterThan"].map { try number($0.text) }
        result.smallerThan = try inner["ObjectSizeLessThan"].map { try number($0.text) }
        return result
    }

    private static func expiration(_ item: XMLTree) throws -> LifecycleRule.Expiration? {
        guard let expiration = item["Expiration"] else { return nil }
        switch (expiration["Days"]?.text, expiration["Date"]?.text, expiration["ExpiredObjectDeleteMarker"]?.text) {
        case (_?, nil, nil): return .days(try days(expiration, "Days"))
        case (nil, let text?, nil):
            // A date alone, or a moment that must be midnight in UTC.
            let moment = text.utf8.count == 10 ? text + "T00:00:00Z" : text
            guard let date = SigningTime(extended: moment.hasSuffix("Z") ? moment : moment.replacingUTCOffset()) else {
                throw S3Error.malformedXML
            }
            guard date.secondsSince1970 % 86_400 == 0 else {
                throw S3Error.invalidArgument("Date", text, "'Date' must be at midnight GMT")
            }
            return .date(date.secondsSince1970)
        case (nil, nil, "true"): return .deleteMarkers
        case (nil, nil, "false"): return nil
        default: throw S3Error.malformedXML
        }
    }

    private static func noncurrent(_ item: XMLTree) throws -> LifecycleRule.NoncurrentExpiration? {
        guard let expiration = item["NoncurrentVersionExpiration"] else { return nil }
        let kept = try expiration["NewerNoncurrentVersions"].map { Int(clamping: try number($0.text)) } ?? 0
        return LifecycleRule.NoncurrentExpiration(days: try days(expiration, "NoncurrentDays"), kept: kept)
    }

    private static func days(_ item: XMLTree, _ name: String) throws(S3Error) -> Int {
        guard let text = item[name]?.text, let days = Int(text) else { throw .malformedXML }
        guard days > 0, days < 1 << 31 else {
            throw .invalidArgument(name, text, "'\(name)' for this action must be a positive integer")
        }
        return days
    }

    private static func number(_ text: String) throws(S3Error) -> Int64 {
        guard let value = Int64(text), value >= 0 else { throw .malformedXML }
        return value
    }

    var document: XMLWriter {
        var xml = XMLWriter()
        xml.element("LifecycleConfiguration", namespace: XMLWriter.s3Namespace) { xml in
            for rule in rules { xml.element("Rule") { Self.write(rule, to: &$0) } }
        }
        return xml
    }

    private static func write(_ rule: LifecycleRule, to xml: inout XMLWriter) {
        xml.element("ID", text: rule.id)
        switch rule.filter.form {
        case .prefix: xml.element("Prefix", text: rule.filter.prefix)
        case nil: xml.element("Filter") { write(rule.filter, to: &$0) }
        }
        xml.element("Status", text: rule.isEnabled ? "Enabled" : "Disabled")
        if let expiration = rule.expiration {
            xml.element("Expiration") { xml in
                switch expiration {
                case .days(let days): xml.element("Days", text: String(days))
                case .date(let seconds): xml.element("Date", text: Timestamp(seconds: seconds).iso8601)
                case .deleteMarkers: xml.element("ExpiredObjectDeleteMarker", text: "true")
                }
            }
        }
        if let noncurrent = rule.noncurrent {
            xml.element("NoncurrentVersionExpiration") { xml in
                xml.element("NoncurrentDays", text: String(noncurrent.days))
                if noncurrent.kept > 0 { xml.element("NewerNoncurrentVersions", text: String(noncurrent.kept)) }
            }
        }
        if let days = rule.abortIncompleteAfter {
            xml.element("AbortIncompleteMultipartUpload") { $0.element("DaysAfterInitiation", text: String(days)) }
        }
    }

    private static func write(_ filter: LifecycleRule.Filter, to xml: inout XMLWriter) {
        let count =
            (filter.prefix.isEmpty ? 0 : 1) + filter.tags.count + (filter.largerThan == nil ? 0 : 1)
            + (filter.smallerThan == nil ? 0 : 1)
        func conditions(_ xml: inout XMLWriter) {
            if !filter.prefix.isEmpty || count == 0 { xml.element("Prefix", text: filter.prefix) }
            for (key, value) in filter.tags.sorted(by: { $0.key < $1.key }) {
                xml.element("Tag") { xml in
                    xml.element("Key", text: key)
                    xml.element("Value", text: value)
                }
            }
            if let size = filter.largerThan { xml.element("ObjectSizeGreaterThan", text: String(size)) }
            if let size = filter.smallerThan { xml.element("ObjectSizeLessThan", text: String(size)) }
        }
        if count > 1 { xml.element("And", content: conditions) } else { conditions(&xml) }
    }
}

extension String {
    /// With `Z` for an offset of nothing.
    fileprivate func replacingUTCOffset() -> String {
        for offset in ["+00:00", "+0000"] where hasSuffix(offset) { return dropLast(offset.count) + "Z" }
        return self
    }
}
