// SPDX-License-Identifier: Apache-2.0

public import Logging
import MediaCore
import Synchronization

/// Writes each event as one line of JSON: time, level, logger, message, then the metadata as strings.
///
/// Values of metadata whose key names a secret are replaced. Nothing looks into messages: they hold no secrets in the
/// first place.
public struct JSONLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level
    private let label: String
    private let sink: LogSink
    private static let clock = Mutex(JSONLine.Clock())

    public init(label: String, level: Logger.Level = .info, sink: LogSink, metadataProvider: Logger.MetadataProvider? = nil) {
        self.label = label
        self.logLevel = level
        self.sink = sink
        self.metadataProvider = metadataProvider
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
        if let own = event.metadata { merged.merge(own) { $1 } }
        var line: [UInt8] = []
        line.reserveCapacity(256)
        line.append(contentsOf: #"{"time":""#.utf8)
        let now = Timestamp.now()
        Self.clock.withLock { clock in clock.write(now, to: &line) }
        line.append(contentsOf: #"","level":""#.utf8)
        line.append(contentsOf: event.level.rawValue.utf8)
        line.append(contentsOf: #"","logger":"#.utf8)
        JSONLine.quote(label, into: &line)
        line.append(contentsOf: #","message":"#.utf8)
        JSONLine.quote(event.message.description, into: &line)
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) {
            field(
                Self.shownName(of: key), Redaction.isSecret(key) ? Redaction.mark : Redaction.cleaned(value).description,
                into: &line)
        }
        if let error = event.error { field("error", "\(error)", into: &line) }
        line.append(contentsOf: "}\n".utf8)
        sink.append { $0.append(contentsOf: line) }
    }

    private func field(_ name: String, _ value: String, into line: inout [UInt8]) {
        line.append(UInt8(ascii: ","))
        JSONLine.quote(name, into: &line)
        line.append(UInt8(ascii: ":"))
        JSONLine.quote(value, into: &line)
    }

    /// The name under which a metadata key is written: the fixed fields of a line can't be taken by metadata.
    private static func shownName(of key: String) -> String {
        switch key {
        case "hb.request.id": "request_id"
        case "time", "level", "logger", "message": key + "_"
        default: key
        }
    }
}

/// What never stands in a log.
enum Redaction {
    static let mark = "[redacted]"

    private static let words = [
        "authorization", "apikey", "api_key", "api-key", "cookie", "credential", "password", "passwd", "secret", "signature",
        "token",
        "jwt", "private_key", "master_key", "service_key", "anon_key", "database_url",
    ]

    /// True for a key that by its name holds a secret.
    static func isSecret(_ key: String) -> Bool {
        let key = key.lowercased()
        return words.contains { key.contains($0) }
    }

    /// A value without the secrets inside of it.
    static func cleaned(_ value: Logger.Metadata.Value) -> Logger.Metadata.Value {
        switch value {
        case .dictionary(let fields):
            .dictionary(
                Dictionary(uniqueKeysWithValues: fields.map { ($0, isSecret($0) ? .string(mark) : cleaned($1)) }))
        case .array(let items): .array(items.map(cleaned))
        case .string, .stringConvertible: value
        }
    }

    /// A request target without its query, and without segments that are tokens (RFC 7519: the text `eyJ` begins the Base64
    /// form of every JSON object that starts with a member).
    static func path(of target: String) -> String {
        let path = target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[..<$0] } ?? target[...]
        guard path.utf8.count > 40, path.contains("eyJ") else { return String(path) }
        return path.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("eyJ") && $0.utf8.count > 32 ? Substring(mark) : $0 }
            .joined(separator: "/")
    }
}
