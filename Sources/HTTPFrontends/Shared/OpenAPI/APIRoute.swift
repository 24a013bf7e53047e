// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
import MediaCore

/// One route of a dialect as it is documented: what the OpenAPI document says of it, and what the tests hold its front-end to.
public struct APIRoute: Sendable {
    /// What a request may carry besides its path.
    public struct Parameter: Sendable {
        public enum Place: String, Sendable { case path, query, header }

        var name: String
        var place: Place
        var schema: APISchema
        var isRequired: Bool
        var meaning: String

        public init(
            _ name: String, in place: Place = .query, _ schema: APISchema = .text, isRequired: Bool = false,
            _ meaning: String = ""
        ) {
            self.name = name
            self.place = place
            self.schema = schema
            self.isRequired = isRequired || place == .path
            self.meaning = meaning
        }
    }

    /// A body and its media type. Without a schema: bytes of any type.
    public struct Content: Sendable {
        var mediaType: String
        var schema: APISchema

        public init(_ mediaType: String, _ schema: APISchema) {
            self.mediaType = mediaType
            self.schema = schema
        }

        public static func json(_ schema: APISchema) -> Content { Content("application/json", schema) }
        public static let bytes = Content("*/*", .bytes)
        /// A form with one file.
        public static func form(file: String) -> Content {
            Content("multipart/form-data", .object([(file, .bytes)], required: [file]))
        }
    }

    /// An answer: its status as OpenAPI writes it (`200`, `4XX`), what it means, and its body.
    public struct Answer: Sendable {
        var status: String
        var meaning: String
        var content: Content?

        public init(_ status: String, _ meaning: String, _ content: Content? = nil) {
            self.status = status
            self.meaning = meaning
            self.content = content
        }
    }

    let method: HTTPRequest.Method
    /// Below the server's root: `/bucket/{bucket}`.
    let path: String
    /// What its front-end calls it, in metrics and policies.
    let operation: String
    let summary: String
    let parameters: [Parameter]
    let body: [Content]
    let isBodyRequired: Bool
    let answers: [Answer]
    /// Whether it is refused without a token. Where it is not, one may still be sent.
    let needsToken: Bool

    /// - Parameters:
    ///   - parameters: those of the path are added by themselves.
    ///   - body: in any of these forms.
    public init(
        _ method: HTTPRequest.Method, _ path: String, _ operation: String, _ summary: String, parameters: [Parameter] = [],
        body: [Content] = [], isBodyRequired: Bool = true, needsToken: Bool = true, answers: [Answer]
    ) {
        self.method = method
        self.path = path
        self.operation = operation
        self.summary = summary
        self.parameters = Self.names(in: path).map { Parameter($0, in: .path) } + parameters
        self.body = body
        self.isBodyRequired = isBodyRequired
        self.answers = answers
        self.needsToken = needsToken
    }

    /// The names in braces.
    private static func names(in path: String) -> [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") && $0.hasSuffix("}") }.map { String($0.dropFirst().dropLast()) }
    }

    /// The path with a value in the place of each name.
    func path(filledWith value: (String) -> String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("{") ? value(String($0.dropFirst().dropLast())) : String($0) }.joined(separator: "/")
    }
}

/// What a value looks like. JSON Schema, 2020-12, as far as it is needed.
public indirect enum APISchema: Sendable {
    case text, integer, boolean, anything, bytes
    /// `integer` between two numbers, and what it is when it is not given.
    case bounded(ClosedRange<Int64>, otherwise: Int64)
    case list(APISchema)
    case object([(name: String, schema: APISchema)], required: [String] = [])
    /// This or null.
    case optional(APISchema)

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            switch self {
            case .text: writer.field("type", "string")
            case .integer: writer.field("type", "integer")
            case .boolean: writer.field("type", "boolean")
            case .anything: break
            case .bytes:
                writer.field("type", "string")
                writer.field("format", "binary")
            case .bounded(let range, let otherwise):
                writer.field("type", "integer")
                writer.field("minimum", range.lowerBound)
                writer.field("maximum", range.upperBound)
                writer.field("default", otherwise)
            case .list(let item):
                writer.field("type", "array")
                writer.key("items")
                item.write(to: &writer)
            case .object(let fields, let required):
                writer.field("type", "object")
                writer.key("properties")
                writer.object { writer in
                    for field in fields {
                        writer.key(field.name)
                        field.schema.write(to: &writer)
                    }
                }
                guard !required.isEmpty else { return }
                writer.key("required")
                writer.array(required) { $0.string($1) }
            case .optional(let schema):
                writer.key("anyOf")
                writer.array { writer in
                    schema.write(to: &writer)
                    writer.object { $0.field("type", "null") }
                }
            }
        }
    }
}
