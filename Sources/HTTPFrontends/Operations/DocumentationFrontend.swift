// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
public import Hummingbird
import MediaCore
import NIOCore

/// What the server speaks, for people and for tools: `/documentation`, and an OpenAPI document for each dialect below it.
public struct DocumentationFrontend: Frontend {
    public let name = "documentation"

    private let page: String
    private let documents: [String: String]

    private static let mount = "/documentation"

    /// - Parameters:
    ///   - descriptions: of the dialects that are served.
    ///   - version: of the server.
    public init(_ descriptions: [APIDescription], version: String) {
        page = DocumentationPage(descriptions: descriptions, version: version).text
        documents = Dictionary(
            descriptions.map { ("\(Self.mount)/\($0.name).json", $0.document(version: version)) }
        ) { first, _ in first }
    }

    public func respond(to request: Request, context: MagpieRequestContext) async -> Response? {
        let path = String((request.head.path ?? "/").prefix { $0 != "?" })
        guard path == Self.mount || path.hasPrefix(Self.mount + "/") else { return nil }
        context.trace.operation = "documentation"
        guard request.method == .get || request.method == .head else {
            return Response(status: .methodNotAllowed, headers: [.allow: "GET, HEAD"])
        }
        if path == Self.mount || path == Self.mount + "/" { return Self.answer(page, "text/html; charset=utf-8") }
        guard let document = documents[path] else { return .notRouted(request.head) }
        return Self.answer(document, "application/json")
    }

    private static func answer(_ text: String, _ mediaType: String) -> Response {
        let headers: HTTPFields = [
            .contentType: mediaType, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        ]
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// The page for people: one table for each dialect, and nothing that is loaded from elsewhere.
struct DocumentationPage {
    let descriptions: [APIDescription]
    let version: String

    var text: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>Magpie \(Self.escaped(version))</title><style>
        body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
        table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
        code{font-family:ui-monospace,monospace}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8bf}}
        </style></head><body>
        <h1>Magpie \(Self.escaped(version))</h1>
        \(descriptions.map(section).joined(separator: "\n"))
        </body></html>

        """
    }

    private func section(_ description: APIDescription) -> String {
        let rows = description.routes.map { route in
            "<tr><td><code>\(route.method.rawValue)</code></td><td><code>\(Self.escaped(route.path))</code></td>"
                + "<td>\(Self.escaped(route.summary))</td><td>\(route.needsToken ? "token" : "")</td></tr>"
        }
        return """
            <h2>\(Self.escaped(description.title))</h2>
            <p>\(Self.escaped(description.summary)) <a href="/documentation/\(description.name).json">OpenAPI</a></p>
            <table>\(rows.joined(separator: "\n"))</table>
            """
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}
