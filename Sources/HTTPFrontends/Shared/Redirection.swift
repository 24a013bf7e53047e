// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MediaCore

extension Response {
    /// Sends the client elsewhere for the bytes. Who may be told so is asked each time, so nobody keeps it.
    static func redirecting(to url: String) -> Response {
        Response(status: .found, headers: [.location: url, .cacheControl: "no-store"])
    }
}

extension Request {
    /// Whether the client can be sent to somebody else's service: it wants all of the bytes, and shows nothing that it would show there, too.
    /// Clients take `Authorization` off when they are sent to another host, and no other field.
    var mayBeRedirected: Bool {
        method == .get && headers[.range] == nil
            && Self.credentials.allSatisfy { headers[$0] == nil }
    }

    private static let credentials: [HTTPField.Name] = [
        .authorization, .cookie, .known("apikey"), .known("x-api-key"), .known("x-client-id"), .known("x-client-secret"),
    ]
}
