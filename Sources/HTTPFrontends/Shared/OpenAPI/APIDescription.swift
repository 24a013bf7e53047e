// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MediaCore

/// All documented routes of one dialect, from which its OpenAPI document is written.
public struct APIDescription: Sendable {
    /// In URLs: `/documentation/{name}.json`.
    public let name: String
    let title: String
    let summary: String
    /// Fields that together stand for a token, in one set for each way.
    let credentials: [[String]]
    let routes: [APIRoute]
    /// What callers show. Nil: a token.
    let cookie: String?

    /// - Parameters:
    ///   - credentials: sets of header fields that callers may send instead of a token.
    ///   - cookie: the name of one that callers show instead of a token.
    public init(
        name: String, title: String, summary: String, credentials: [[String]] = [], routes: [APIRoute], cookie: String? = nil
    ) {
        self.cookie = cookie
        self.name = name
        self.title = title
        self.summary = summary
        self.credentials = credentials
        self.routes = routes
    }

    /// The OpenAPI 3.1 document.
    /// - Parameter version: of the server.
    func document(version: String) -> String {
        JSONWriter.object { writer in
            writer.field("openapi", "3.1.0")
            writer.key("info")
            writer.object { writer in
                writer.field("title", title)
                writer.field("summary", summary)
                writer.field("version", version)
            }
            writer.key("paths")
            writer.object { writer in
                for (path, routes) in byPath {
                    writer.key(path)
                    writer.object { writer in
                        for route in routes { write(route, to: &writer) }
                    }
                }
            }
            writer.key("components")
            writer.object { writer in
                writer.key("securitySchemes")
                writer.object { writer in
                    writer.key(scheme)
                    writer.object { writer in
                        writer.field("type", cookie == nil ? "http" : "apiKey")
                        if let cookie {
                            writer.field("in", "cookie")
                            writer.field("name", cookie)
                        } else {
                            writer.field("scheme", "bearer")
                        }
                    }
                    for field in credentials.joined() {
                        writer.key(field)
                        writer.object { writer in
                            writer.field("type", "apiKey")
                            writer.field("in", "header")
                            writer.field("name", field)
                        }
                    }
                }
            }
        }
    }

    private var scheme: String { cookie == nil ? "bearer" : "session" }

    /// In the order of the first route of each.
    var byPath: [(path: String, routes: [APIRoute])] {
        var order: [String] = []
        for route in routes where !order.contains(route.path) { order.append(route.path) }
        return order.map { path in (path, routes.filter { $0.path == path }) }
    }

    private func write(_ route: APIRoute, to writer: inout JSONWriter) {
        writer.key(route.method.rawValue.lowercased())
        writer.object { writer in
            writer.field("operationId", "\(route.method.rawValue.lowercased()) \(route.path)")
            writer.field("summary", route.summary)
            if !route.parameters.isEmpty {
                writer.key("parameters")
                writer.array(route.parameters) { writer, parameter in Self.write(parameter, to: &writer) }
            }
            if !route.body.isEmpty {
                writer.key("requestBody")
                writer.object { writer in
                    writer.field("required", route.isBodyRequired)
                    Self.write(route.body, to: &writer)
                }
            }
            writer.key("responses")
            writer.object { writer in
                for answer in route.answers {
                    writer.key(answer.status)
                    writer.object { writer in
                        writer.field("description", answer.meaning)
                        if let content = answer.content { Self.write([content], to: &writer) }
                    }
                }
            }
            writer.key("security")
            writer.array { writer in
                if !route.needsToken { writer.object { _ in } }
                for way in [[scheme]] + credentials {
                    writer.object { writer in
                        for scheme in way {
                            writer.key(scheme)
                            writer.array { _ in }
                        }
                    }
                }
            }
        }
    }

    private static func write(_ parameter: APIRoute.Parameter, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("name", parameter.name)
            writer.field("in", parameter.place.rawValue)
            writer.field("required", parameter.isRequired)
            if !parameter.meaning.isEmpty { writer.field("description", parameter.meaning) }
            writer.key("schema")
            parameter.schema.write(to: &writer)
        }
    }

    private static func write(_ contents: [APIRoute.Content], to writer: inout JSONWriter) {
        writer.key("content")
        writer.object { writer in
            for content in contents {
                writer.key(content.mediaType)
                writer.object { writer in
                    writer.key("schema")
                    content.schema.write(to: &writer)
                }
            }
        }
    }
}
