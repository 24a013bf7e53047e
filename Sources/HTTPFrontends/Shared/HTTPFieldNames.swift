// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes

extension HTTPField.Name {
    /// A name written in the source. Ends the process when it is not a token: a mistake of the programmer's.
    static func known(_ name: StaticString) -> HTTPField.Name {
        guard let field = HTTPField.Name(name.description) else { preconditionFailure("\(name) is not a field name") }
        return field
    }

    /// Ties the log lines of one request together; accepted from a proxy in front and echoed.
    public static let xRequestID = known("x-request-id")
}
