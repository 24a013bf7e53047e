// SPDX-License-Identifier: Apache-2.0

/// What a signature sees of a request: its first line and its fields, as they are on the wire.
public struct RequestHead: Hashable, Sendable {
    /// In upper case.
    public var method: String
    /// The path as it was sent or will be, percent-encoded, without a query. It begins with `/`.
    public var path: String
    /// The text after `?`, as it was sent or will be. Nil when there is none.
    public var query: String?
    /// In the order they were sent. HTTP/2's `:authority` belongs here as `host`.
    public var fields: [NamedValue]

    public init(method: String, path: String, query: String? = nil, fields: [NamedValue]) {
        self.method = method
        self.path = path
        self.query = query
        self.fields = fields
    }

    /// The values of all fields of that name, in their order.
    /// - Parameter name: In lower case.
    func values(of name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
}
